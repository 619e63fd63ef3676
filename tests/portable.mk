# Other CPUs, C libraries and compilers: tests/portable/portable.sh, docs/portability.md.
PORTABLE_ALL := $(filter-out x86_64-glibc-gcc,$(foreach a,x86_64 aarch64 riscv64,$(foreach l,glibc musl,$(foreach c,gcc \
	clang,$(a)-$(l)-$(c)))))
# Of these, what the medium tier takes: each CPU, library and compiler once at least.
PORTABLE     := aarch64-glibc-gcc riscv64-glibc-gcc x86_64-musl-gcc aarch64-musl-clang

.PHONY: portable
portable: ## cross-build, and run the tests by qemu-user; PORTABLE="$(PORTABLE_ALL)" is all
	$(Q)tests/packages.sh build cross
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/tests/programs/golden
	$(Q)tests/portable/portable.sh $(BUILD) $(PORTABLE)
