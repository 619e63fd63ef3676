# Coverage of the core by the short tier. What a test kills by SIGKILL leaves no counts: it counts as not run.
COVERAGE       := $(BUILD)/coverage
COVERAGE_ROOMS := core collect dump
# The others never come near these rooms.
COVERAGE_AREAS ?= cli/test_recover cli/test_recover_hostile cli/test_recover_torn collect control core crash dump edges \
	          faults fuzz lives runtime security sink stress

.PHONY: coverage
coverage: ## coverage of src/core, src/collect and src/dump by the short tier: fails below 90 % of lines, 80 % of branches
	$(Q)tests/packages.sh test coverage
	$(Q)$(MAKE) --no-print-directory BUILD=$(COVERAGE) NODE=$(NODE) OPT='-O0 -g' \
		SAN='--coverage -fprofile-update=atomic' test-programs
	$(Q)find $(COVERAGE) -name '*.gcda' -delete
	-$(Q)tests/run.sh short $(COVERAGE) $(COVERAGE_AREAS)
	$(Q)tests/coverage.sh $(COVERAGE) $(COVERAGE_ROOMS)
