# Instructions and bytes of event sites, against bench/gate/budgets.txt. Needs gcc, g++, clang,
# valgrind and objdump; says the same on every machine with the same compilers.
EMITS      := $(foreach c,gcc g++ clang clang++,$(BUILD)/bench/gate/emit-$(c))
GATE_BENCH := $(BUILD)/bench/gate/gate_bench
GATE_OBJ   := $(BUILD)/obj/bench/gate/gate_bench.o $(patsubst %,$(BUILD)/obj/tests/support/%.o,disasm files run)

.PHONY: bench-gate
bench-gate: $(GATE_BENCH) $(EMITS) ## measure event sites: instructions and bytes against their budgets
	$(Q)$(GATE_BENCH) bench/gate/budgets.txt $(BUILD)

# Whatever else the build is compiled with, these are -O2, so that they can be compared.
EMIT_FLAGS = $(if $(findstring ++,$*),-std=c++17 -x c++,-std=gnu11) -O2 -MMD -MP -MF $@.d -MT $@
$(EMITS): $(BUILD)/bench/gate/emit-%: bench/gate/emit.c $(STALWART) $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $* $(CPPFLAGS) $(EMIT_FLAGS) $< -x none $(LIBA) -o $@ $(LDLIBS)

$(GATE_OBJ): CPPFLAGS += -Itests
$(GATE_BENCH): $(GATE_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^

-include $(EMITS:=.d) $(GATE_OBJ:.o=.d)
