# Mutation testing: `make mutation` changes src/core and src/collect in one place at a time and asks the tests
# whether they notice (tests/mutation/run.py).
MUTATION         := $(BUILD)/mutation
MUTANTS          ?= 100
MUTATION_SEED    ?= 20261123
MUTATION_COMPILE := $(CC) -D_GNU_SOURCE -Iinclude -Isrc -I$(MUTATION)/include -DRILL_VERSION=\"$(VERSION)\" \
	            -O1 -w -fPIC -pthread -std=gnu11
MUTATION_LINK    := $(CC) -shared -pthread -Wl,-soname,libmutant.so -Wl,--no-as-needed -lzstd -lm

.PHONY: mutation mutation-programs
# The archives that programs are linked with become names of one shared object.
mutation-programs:
	$(Q)$(MAKE) --no-print-directory BUILD=$(MUTATION) $(MUTATION)/librill.a $(MUTATION)/obj/internal.a \
		$(MUTATION)/gen/stalwart.c
	@mkdir -p $(MUTATION)/mutant
	$(Q)for f in $(LIB_SRC); do \
		$(MUTATION_COMPILE) -c -o $(MUTATION)/mutant/$$(echo $${f%.c} | tr / -).o $$f || exit; done
	$(Q)$(MUTATION_COMPILE) -c -o $(MUTATION)/mutant/stalwart.o -DRILL_CATALOG_EXPORT $(MUTATION)/gen/stalwart.c
	$(Q)echo '$(MUTATION_COMPILE)' >$(MUTATION)/compile
	$(Q)echo '$(MUTATION_LINK)' >$(MUTATION)/link
	$(Q)$(MUTATION_LINK) -o $(MUTATION)/libmutant.so $(MUTATION)/mutant/*.o
	$(Q)for a in librill.a obj/internal.a; do rm -f $(MUTATION)/$$a && \
		echo 'INPUT($(MUTATION)/libmutant.so)' >$(MUTATION)/$$a; done
	$(Q)$(MAKE) --no-print-directory BUILD=$(MUTATION) NODE=$(NODE) LDFLAGS='-Wl,-rpath,$(MUTATION)' \
		-o $(MUTATION)/librill.a -o $(MUTATION)/obj/internal.a test-programs

mutation: mutation-programs ## mutation testing of src/core and src/collect: MUTANTS (100) drawn by MUTATION_SEED; hours
	$(Q)python3 -B tests/mutation/run.py --build $(MUTATION) --count $(MUTANTS) --seed $(MUTATION_SEED)
