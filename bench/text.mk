# What lines of text and JSON cost: bench/text/text_bench.c says which figures are printed.
TEXT_BENCH     := $(BUILD)/bench/text/text_bench
TEXT_BENCH_OBJ := $(BUILD)/obj/bench/text/text_bench.o $(BUILD)/obj/tests/support/records.o

$(TEXT_BENCH_OBJ): CPPFLAGS += -Itests
$(TEXT_BENCH_OBJ): $(STALWART)
$(TEXT_BENCH): $(TEXT_BENCH_OBJ) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench-programs: $(TEXT_BENCH)

-include $(TEXT_BENCH_OBJ:.o=.d)
