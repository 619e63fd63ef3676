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
