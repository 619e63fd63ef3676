# Peers: the references and rill are compiled into the programs, the others are shared objects that
# they find in BUILD/bench/peers. bench/common is what the programs share.
BENCH_BUILT_IN  := loop rdtsc clock ring write rill compact
BENCH_IN_OBJ    := $(BENCH_BUILT_IN:%=$(BUILD)/obj/bench/peers/%.o)
BENCH_COMMON    := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/common/*.c)) $(BENCH_IN_OBJ)
BENCH_PEERS_DIR := $(BUILD)/bench/peers
BENCH_OWN_PEER  := $(BENCH_PEERS_DIR)/rill-pic.so
BENCH_FOREIGN   := $(BENCH_PEERS_DIR)/lttng.so $(BENCH_PEERS_DIR)/spdlog.so
# The gates and loops of all peers start at the same places of cache lines.
BENCH_FLAGS     := -I. -I$(BUILD)/bench/mix -O2 -falign-functions=64 -falign-loops=32

bench-programs: $(BENCH_OWN_PEER) $(BENCH_FOREIGN)
test-programs: $(BENCH_OWN_PEER)

# The recorded mix as C.
BENCH_MIX := $(BUILD)/bench/mix/mix_data.h
$(BENCH_MIX): bench/mix/generate.py bench/mix/smtpd.jsonl docs/events.md
	@mkdir -p $(@D)
	$(call say,GEN,$@) python3 bench/mix/generate.py bench/mix/smtpd.jsonl docs/events.md $(@D)
$(BENCH_PEERS_DIR)/rill-pic.so $(BENCH_PEERS_DIR)/lttng/sites.so $(BENCH_IN_OBJ): $(BENCH_MIX)

$(BENCH_COMMON): CPPFLAGS += $(BENCH_FLAGS)
$(BENCH_IN_OBJ): $(BUILD)/obj/%.o: %.c $(STALWART)
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) -Dbench_peer=bench_peer_$(basename $(@F)) $(BASE) $(CFLAGS) -c -o $@ $<

# Whatever rill symbols it needs, the program has.
$(BENCH_PEERS_DIR)/rill-pic.so: bench/peers/rill.c $(STALWART)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CPPFLAGS) $(BENCH_FLAGS) $(BASE) $(CFLAGS) -fPIC -shared -MF $@.d -o $@ $<

# LTTng's own macros do not pass rill's warnings.
$(BENCH_PEERS_DIR)/lttng/sites.so: bench/peers/lttng/sites.c
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CPPFLAGS) $(BENCH_FLAGS) -std=gnu11 -g -MMD -MP -MF $@.d -fPIC -shared -o $@ $< -llttng-ust
$(BENCH_PEERS_DIR)/lttng.so: bench/peers/lttng.c $(BENCH_PEERS_DIR)/lttng/sites.so
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CPPFLAGS) $(BENCH_FLAGS) $(BASE) $(CFLAGS) -fPIC -shared -MF $@.d -o $@ $< -ldl
$(BENCH_PEERS_DIR)/spdlog.so: bench/peers/spdlog.cpp
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CXX) $(CPPFLAGS) $(BENCH_FLAGS) $(BASE) -std=c++17 -Wall -Wextra \
		-DSPDLOG_COMPILED_LIB -DSPDLOG_SHARED_LIB -DSPDLOG_FMT_EXTERNAL -fPIC -shared -MF $@.d -o $@ $< -lspdlog -lfmt

# A program of bench/AREA: $(call bench_program,AREA)
define bench_program
bench-programs test-programs: $(BUILD)/bench/$(1)/$(1)
BENCH_$(1)_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/$(1)/*.c))
$$(BENCH_$(1)_OBJ): CPPFLAGS += -I.
$(BUILD)/bench/$(1)/$(1): $$(BENCH_$(1)_OBJ) $$(BENCH_COMMON) $$(LIBA)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@) $$(CC) $$(OPT) $$(SAN) $$(LDFLAGS) -rdynamic -o $$@ $$^ $$(LDLIBS) -ldl
-include $$(BENCH_$(1)_OBJ:.o=.d)
endef

$(eval $(call bench_program,hot))
$(eval $(call bench_program,sustained))

-include $(BENCH_COMMON:.o=.d) $(wildcard $(BENCH_PEERS_DIR)/*.d $(BENCH_PEERS_DIR)/lttng/*.d)
