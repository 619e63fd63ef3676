# The benchmark runner, and the targets that run everything. Programs are added by the other files
# bench/*.mk as prerequisites of bench-programs.
BENCH_RUN     := $(BUILD)/bench/run/run
BENCH_RUN_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/run/*.c))
PEER ?=

.PHONY: bench bench-quick bench-programs bench-packages
bench: bench-packages bench-programs ## measure rill beside its peers; PEER=./mine.so adds yours
	$(Q)BUILD=$(BUILD) $(BENCH_RUN) $(if $(PEER),--peer $(PEER))

bench-quick: bench-packages bench-programs ## the same in less than two minutes, with few rounds
	$(Q)BUILD=$(BUILD) $(BENCH_RUN) --quick $(if $(PEER),--peer $(PEER))

bench-packages:
	$(Q)tests/packages.sh build bench

bench-programs: $(BENCH_RUN) all examples
test-programs: $(BENCH_RUN)

$(BENCH_RUN_OBJ): CPPFLAGS += -I.
$(BENCH_RUN): $(BENCH_RUN_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(BENCH_RUN_OBJ:.o=.d)
