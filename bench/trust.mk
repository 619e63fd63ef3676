# rill beside LTTng-UST and spdlog in trouble: the same program, killed, forked, crashed, unloaded from, ended.
TRUST      := $(BUILD)/bench/trust
TRUST_MAIN := $(BUILD)/obj/bench/trust/subject.o
TRUST_ALL  := $(foreach t,rill lttng spdlog,$(TRUST)/$(t) $(TRUST)/$(t)-plugin.so)
TRUST_CC   := $(CC) -I. $(CPPFLAGS) $(BASE) -std=gnu11
TRUST_CXX  := $(CXX) -I. $(BASE) -std=c++17 -DSPDLOG_COMPILED_LIB -DSPDLOG_SHARED_LIB -DSPDLOG_FMT_EXTERNAL

.PHONY: bench-trust
bench-trust: bench-packages $(TRUST_ALL) $(RILL) ## kill, fork, crash, unload and exit: rill beside LTTng-UST and spdlog
	$(Q)bench/trust/trust.py $(BUILD)

$(TRUST_MAIN): CPPFLAGS += -I.
$(TRUST)/rill: bench/trust/rill.c $(TRUST_MAIN) $(LIBSO) $(STALWART)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(TRUST_CC) -MF $@.d -o $@ $< $(TRUST_MAIN) -L$(BUILD) -lrill -Wl,-rpath,'$$ORIGIN/../..' -ldl
$(TRUST)/rill-plugin.so: bench/trust/rill.c $(LIBSO) $(STALWART)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(TRUST_CC) -MF $@.d -fPIC -shared -o $@ $< -L$(BUILD) -lrill -Wl,-rpath,'$$ORIGIN/../..'
$(TRUST)/lttng: bench/trust/lttng/lttng.c $(TRUST_MAIN)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(TRUST_CC) -MF $@.d -o $@ $< $(TRUST_MAIN) -llttng-ust -ldl
$(TRUST)/lttng-plugin.so: bench/trust/lttng/lttng.c
	@mkdir -p $(@D)
	$(call say,LD,$@) $(TRUST_CC) -DTRUST_PLUGIN -MF $@.d -fPIC -shared -o $@ $< -llttng-ust
$(TRUST)/spdlog: bench/trust/spdlog.cpp $(TRUST_MAIN)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(TRUST_CXX) -MF $@.d -o $@ $< $(TRUST_MAIN) -lspdlog -lfmt -ldl
$(TRUST)/spdlog-plugin.so: bench/trust/spdlog.cpp
	@mkdir -p $(@D)
	$(call say,LD,$@) $(TRUST_CXX) -DTRUST_PLUGIN -MF $@.d -fPIC -shared -o $@ $< -lspdlog -lfmt

-include $(wildcard $(TRUST)/*.d)
