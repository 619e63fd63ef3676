# Instructions and bytes of event sites, in programs and (-fPIC) shared objects, against
# bench/gate/budgets.txt. Needs gcc, g++, clang,
# valgrind and objdump; says the same on every machine with the same compilers.
EMITS      := $(foreach c,gcc g++ clang clang++,$(BUILD)/bench/gate/emit-$(c))
EMITS_PIC  := $(foreach c,gcc clang,$(BUILD)/bench/gate/emit-$(c)-fPIC)
EMITS_SO   := $(EMITS_PIC:=.so)
GATE_BENCH := $(BUILD)/bench/gate/gate_bench
GATE_OBJ   := $(BUILD)/obj/bench/gate/gate_bench.o $(patsubst %,$(BUILD)/obj/tests/support/%.o,disasm files run)

.PHONY: bench-gate
bench-gate: $(GATE_BENCH) $(EMITS) $(EMITS_PIC) ## measure event sites: instructions and bytes against their budgets
	$(Q)$(GATE_BENCH) bench/gate/budgets.txt $(BUILD)

# Whatever else the build is compiled with, these are -O2, so that they can be compared.
EMIT_FLAGS = $(if $(findstring ++,$*),-std=c++17 -x c++,-std=gnu11) -O2 -MMD -MP -MF $@.d -MT $@
EMIT_MAIN := $(BUILD)/obj/bench/gate/main.o
$(EMITS): $(BUILD)/bench/gate/emit-%: bench/gate/emit.c $(EMIT_MAIN) $(STALWART) $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $* $(CPPFLAGS) $(EMIT_FLAGS) $< -x none $(EMIT_MAIN) $(LIBA) -o $@ $(LDLIBS)
$(EMITS_SO): $(BUILD)/bench/gate/emit-%-fPIC.so: bench/gate/emit.c $(STALWART) $(LIBSO)
	@mkdir -p $(@D)
	$(call say,LD,$@) $* $(CPPFLAGS) $(EMIT_FLAGS) -fPIC -shared $< -x none -o $@ \
		-L$(BUILD) -lrill -Wl,-rpath,'$$ORIGIN/../..'
$(EMITS_PIC): %: %.so $(EMIT_MAIN)
	$(call say,LD,$@) $(CC) -o $@ $(EMIT_MAIN) $< -Wl,-rpath,'$$ORIGIN' -Wl,-rpath-link,$(BUILD)

$(GATE_OBJ): CPPFLAGS += -Itests
$(GATE_BENCH): $(GATE_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^

-include $(EMITS:=.d) $(EMITS_SO:=.d) $(GATE_OBJ:.o=.d) $(EMIT_MAIN:.o=.d)
