# Packing and unpacking alone: ns an event, events a second, bytes an event. `large` makes a trace of
# any size, read_bench reads it, or what is wanted of it.
DUMP_BENCH := $(patsubst %,$(BUILD)/bench/dump/%,pack_bench large read_bench)
DUMP_OBJ   := $(DUMP_BENCH:$(BUILD)/%=$(BUILD)/obj/%.o)

$(BUILD)/obj/bench/dump/large.o: $(STALWART)
$(DUMP_BENCH): $(BUILD)/%: $(BUILD)/obj/%.o $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench-programs: $(DUMP_BENCH)

-include $(DUMP_OBJ:.o=.d)
