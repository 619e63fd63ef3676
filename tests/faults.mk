# --- programs in which the calls of librill fail, and nobody else's --------------------------------
# tests/faults/inject.c says which: each of its functions fault_NAME() stands for NAME.
INJECT   := $(BUILD)/obj/tests/faults/inject.o
FAULTY   := $(BUILD)/tests/programs/faulty
$(INJECT) $(BUILD)/obj/tests/faults/faulty.o: CPPFLAGS += -Itests
$(BUILD)/obj/tests/faults/faulty.o: $(STALWART)
test-programs: $(FAULTY)

$(BUILD)/obj/librill-faults.o: $(BUILD)/obj/librill.o $(INJECT)
	$(call say,LD,$@) nm $(INJECT) | sed -n 's/.* T fault_\(.*\)/\1 fault_\1/p' >$@.names && \
		$(OBJCOPY) --redefine-syms=$@.names $< $@
# In this order: its constructor is the first.
$(FAULTY): $(INJECT) $(BUILD)/obj/tests/faults/faulty.o $(BUILD)/obj/librill-faults.o
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(INJECT:.o=.d) $(BUILD)/obj/tests/faults/faulty.d

# --- a program whose counter and clocks do what it says ---------------------------------------------
# Those objects that read the CPU's counter are compiled once more, with tests/faults/ticks.h before
# all else; what asks the system for the time gives way to the program's own functions.
CLOCKS     := $(BUILD)/tests/programs/clocks
CLOCKS_OBJ := $(patsubst %,$(BUILD)/obj/clocks/%.o,clock producer emit) $(BUILD)/obj/clocks/clocks.o
CLOCKS_LIB := $(filter-out $(patsubst %,$(BUILD)/obj/src/core/%.o,clock producer emit prim/clocks),$(LIB_OBJ))
$(CLOCKS_OBJ): CPPFLAGS += -include tests/faults/ticks.h -DRILL_VERSION='"$(VERSION)"'
$(CLOCKS_OBJ): Makefile $(STALWART)
test-programs: $(CLOCKS)

$(BUILD)/obj/clocks/%.o: src/core/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) $(CFLAGS) -c -o $@ $<
$(BUILD)/obj/clocks/clocks.o: tests/faults/clocks.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) $(CFLAGS) -c -o $@ $<
$(BUILD)/obj/clocks/system.o: $(BUILD)/obj/src/core/prim/clocks.o
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) $(patsubst %,--weaken-symbol=prim_%,counter_invariant realtime_ns steady_ns) $< $@
$(CLOCKS): $(CLOCKS_OBJ) $(BUILD)/obj/clocks/system.o $(CLOCKS_LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(CLOCKS_OBJ:.o=.d)

# --- a program under limits -------------------------------------------------------------------------
CONFINED := $(BUILD)/tests/programs/confined
$(BUILD)/obj/tests/faults/confined.o: CPPFLAGS += -Itests
$(BUILD)/obj/tests/faults/confined.o: $(STALWART)
test-programs: $(CONFINED)
$(CONFINED): $(BUILD)/obj/tests/faults/confined.o $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(BUILD)/obj/tests/faults/confined.d
