# Fuzz targets: `make fuzz` builds them with libFuzzer, `make fuzz-long` runs each for FUZZ_SECONDS.
# What they have found stands in tests/data/fuzz/TARGET; tests/fuzz/test_replay.c runs it, by programs
# without libFuzzer that are built with the other tests.
FUZZ_DUMPS   := reader index export
FUZZ_TEXTS   := predicate page filter environment
FUZZ_TARGETS := $(FUZZ_DUMPS) $(FUZZ_TEXTS)
FUZZ_SECONDS ?= 3600
FUZZ_BUILD   := $(BUILD)/fuzz

FUZZ_SUPPORT := $(addprefix $(BUILD)/obj/tests/,fuzz/common.o support/blocks.o support/entries.o \
	        support/files.o support/records.o)
FUZZ_REPLAY  := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/replay_%)
FUZZ_SEEDS   := $(BUILD)/tests/fuzz/seeds
FUZZ_OBJ     := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/fuzz/*.c))
FUZZ_BAD     := $(BUILD)/tests/fuzz/bad
$(FUZZ_OBJ): CPPFLAGS += -Itests -DTEST_SANITIZE='"$(SAN)"'
$(FUZZ_OBJ): $(STALWART)

# What some have besides.
# rill-gen's own parts, and librill's, have names in common: the target is one object with them.
FUZZ_PAGE    := $(BUILD)/obj/tests/fuzz/fuzz_page.o $(filter-out %/gen/main.o %/src/core/characters.o,$(GEN_OBJ))
$(BUILD)/obj/tests/fuzz/whole_page.o: $(FUZZ_PAGE)
	$(call say,LD,$@) $(LD) -r -o $@ $^ && $(OBJCOPY) --keep-global-symbol=LLVMFuzzerTestOneInput $@
$(BUILD)/tests/fuzz/replay_page $(BUILD)/fuzz_page: FUZZ_LIBS := -lcmark-gfm-extensions -lcmark-gfm
$(BUILD)/tests/fuzz/replay_environment $(BUILD)/fuzz_environment: FUZZ_LIBS := -Wl,--wrap=open

test-programs: $(FUZZ_REPLAY) $(FUZZ_BAD) $(FUZZ_SEEDS)
.SECONDEXPANSION:
fuzz_main = $(BUILD)/obj/tests/fuzz/$(if $(filter page,$1),whole,fuzz)_$1.o
$(FUZZ_REPLAY): $(BUILD)/tests/fuzz/replay_%: $$(call fuzz_main,$$*) \
		$(BUILD)/obj/tests/fuzz/replay.o $(FUZZ_SUPPORT) $(CLIA) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS) -lz $(FUZZ_LIBS)
# Spoils dumps, and has the commands read them.
$(FUZZ_BAD): $(BUILD)/obj/tests/fuzz/bad.o $(BUILD)/obj/tests/support/blocks.o $(CLIA) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lz
$(FUZZ_SEEDS): $(BUILD)/obj/tests/fuzz/seeds.o $(BUILD)/obj/tests/support/sample.o $(FUZZ_SUPPORT) \
		$(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)

# What libFuzzer watches is compiled anew: in a folder of its own, by this Makefile.
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(BUILD)/fuzz_%)
$(FUZZ_PROGRAMS): $(BUILD)/fuzz_%: $$(call fuzz_main,$$*) $(FUZZ_SUPPORT) $(CLIA) $(INTERNAL)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS) -lz \
		$(FUZZ_LIBS)
$(FUZZ_DUMPS:%=$(BUILD)/fuzz_%): $(BUILD)/obj/tests/fuzz/mutate.o
$(FUZZ_TEXTS:%=$(BUILD)/fuzz_%): $(BUILD)/obj/tests/fuzz/mutate_text.o
$(filter %_predicate,$(FUZZ_PROGRAMS)): $(BUILD)/obj/tests/fuzz/regexec.o

.PHONY: fuzz fuzz-programs fuzz-long
fuzz-programs: $(FUZZ_PROGRAMS) $(FUZZ_SEEDS)
fuzz: ## build the fuzz targets: build/fuzz/fuzz_X
	$(Q)$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=clang OPT='-O1 -gline-tables-only' \
		SANITIZE=fuzzer-no-link,address,undefined fuzz-programs

fuzz-long: fuzz ## run each fuzz target for FUZZ_SECONDS (3600)
	$(Q)tests/fuzz/run.sh $(FUZZ_BUILD) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

-include $(FUZZ_OBJ:.o=.d)
