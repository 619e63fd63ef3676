# The tests under sanitizers. ASan and UBSan build everything; ThreadSanitizer and MemorySanitizer do not go together
# with Criterion: there the library, the commands and the programs of the tests are built with them, and the drivers
# that start these and look at them are those of the plain build.
.PHONY: asan tsan msan tsan-programs sanitized-programs

SANITIZED := $(filter-out %/loader-static,$(PROGRAMS))
# A child of a process with threads is not for ThreadSanitizer.
TSAN_AREAS := control demo runtime/test_order runtime/test_review runtime/test_threads smtpd stress
MSAN_AREAS := cli control demo lives runtime smtpd stress

asan: ## the short tier under AddressSanitizer and UndefinedBehaviorSanitizer
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan NODE=$(NODE) SANITIZE=address,undefined test-programs
	$(Q)tests/run.sh short $(BUILD)/asan

sanitized-programs: all examples $(SANITIZED)

# $(1): folder, $(2): make's variables, $(3): what runs the tests
define sanitized
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/$(1) NODE=$(NODE) $(2) sanitized-programs
	$(Q)rm -f $(BUILD)/$(1)/tests/log/report.* && mkdir -p $(BUILD)/$(1)/tests/log
	$(Q)cd $(BUILD)/tests && cp --parents --update $(patsubst $(BUILD)/tests/%,%,$(TESTS)) $(BUILD)/$(1)/tests
	$(Q)$(3)
	$(Q)! grep -l . $(BUILD)/$(1)/tests/log/report.* 2>/dev/null
endef

# Addresses without surprises: gcc's runtime knows only the usual ones.
tsan: test-programs ## programs of the tests under ThreadSanitizer
	$(call sanitized,tsan,SANITIZE=thread OPT='-O1 -g',TSAN_OPTIONS='die_after_fork=0 \
		log_path=$(BUILD)/tsan/tests/log/report' setarch -R tests/run.sh short $(BUILD)/tsan $(TSAN_AREAS))

MSAN_LINK := -Wl,--wrap=ZSTD_compress2,--wrap=ZSTD_decompressDCtx,--wrap=compress2

msan: test-programs ## commands and programs of the tests under MemorySanitizer
	@mkdir -p $(BUILD)/msan
	$(Q)clang -O1 -g -fsanitize=memory -c -o $(BUILD)/msan/unpoison.o tests/sanitize/unpoison.c
	$(call sanitized,msan,CC=clang SANITIZE=memory OPT='-O1 -g' GEN=$(GEN) -o $(GEN) \
		LDFLAGS='$(BUILD)/msan/unpoison.o $(MSAN_LINK) -lzstd -lz',MSAN_OPTIONS='log_path=$(BUILD)/msan/tests/log/report' \
		tests/run.sh short $(BUILD)/msan $(MSAN_AREAS))
