# Packing and unpacking alone: ns an event, events a second, bytes an event.
PACK_BENCH := $(BUILD)/bench/dump/pack_bench
PACK_OBJ   := $(BUILD)/obj/bench/dump/pack_bench.o

$(PACK_BENCH): $(PACK_OBJ) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench-programs: $(PACK_BENCH)

-include $(PACK_OBJ:.o=.d)
