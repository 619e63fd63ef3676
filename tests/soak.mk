# The soak: full rate, rotation, filter changes, thread churn, sink faults, and a picture of memory and latency.
SOAK_SECONDS ?= 7200

.PHONY: soak
soak: all $(BUILD)/tests/stress/test_soak $(BUILD)/tests/programs/soak ## tests/stress/test_soak for SOAK_SECONDS (7200), drawn to build/soak.svg
	$(Q)SRC=$(CURDIR) BUILD=$(BUILD) RILL_SOAK_SECONDS=$(SOAK_SECONDS) $(BUILD)/tests/stress/test_soak -j1
	$(Q)gnuplot -c tests/soak.gnuplot $(BUILD)/tests/soak.csv $(BUILD)/soak.svg
