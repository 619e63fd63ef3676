# Benchmarks of a whole process: bench/process/NAME.c makes $(BUILD)/bench/process/NAME. Each prints
# rows for bench/run, as docs/benchmarks.md has them.
PROCESS_NAMES := emit_to_line wakes idle rings memory filter smtpd
PROCESS       := $(PROCESS_NAMES:%=$(BUILD)/bench/process/%)
PROCESS_OBJ   := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/process/*.c))
PROCESS_SHARED := $(patsubst %,$(BUILD)/obj/bench/%.o,process/process process/numbers process/crowd common/tools)

bench-programs: $(PROCESS)

$(PROCESS_OBJ): $(STALWART)
$(PROCESS_OBJ): CPPFLAGS += -I.
# rill's system calls go through process.c, which counts wake-ups.
$(PROCESS): $(BUILD)/%: $(BUILD)/obj/%.o $(PROCESS_SHARED) $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -Wl,--wrap=syscall -o $@ $^ $(LDLIBS)

# tests/bench/test_process.c runs them.
test-programs: $(PROCESS)
$(BUILD)/tests/bench/test_process: $(BUILD)/obj/bench/process/numbers.o

-include $(PROCESS_OBJ:.o=.d)
