# The explorer (tests/explore): always gcc, never a sanitizer's library. The code under test is compiled for
# ThreadSanitizer, whose calls the explorer answers itself.
EXPLORE      := $(BUILD)/explore
EXPLORER     := $(EXPLORE)/explorer
EXPLORE_SRC  := $(filter-out %/test_explore.c %/mutants.c tests/explore/code_%.c,$(wildcard tests/explore/*.c))
EXPLORE_CODE := src/core/producer.c src/core/ring.c src/core/registry.c src/core/synchronize.c src/core/decode.c src/collect/drain.c \
	        $(wildcard tests/explore/code_*.c)
EXPLORE_OBJ  := $(EXPLORE_SRC:%.c=$(EXPLORE)/%.o)
EXPLORE_CODE_OBJ := $(EXPLORE_CODE:%.c=$(EXPLORE)/code/%.o)
EXPLORE_FLAGS := -std=gnu11 -D_GNU_SOURCE -I$(CURDIR)/tests/explore/replace -I$(CURDIR)/include -I$(CURDIR)/src \
	         -I$(CURDIR)/tests -g

# The test compiles changed code with what stands here.
$(EXPLORE)/flags: tests/explore.mk
	@mkdir -p $(@D)
	@echo '$(EXPLORE_FLAGS) -O1 -w -fsanitize=thread $(foreach f,sched_yield pthread_key_create \
		pthread_setspecific pthread_setcancelstate,-D$f=explore_$f)' >$@
$(EXPLORE_OBJ): $(EXPLORE)/%.o: %.c $(EXPLORE)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@) gcc $(EXPLORE_FLAGS) $(WARN) -O3 -MMD -MP -c -o $@ $<
$(EXPLORE_CODE_OBJ): $(EXPLORE)/code/%.o: %.c $(EXPLORE)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@) gcc @$(EXPLORE)/flags -MMD -MP -c -o $@ $<
$(EXPLORER): $(EXPLORE_OBJ) $(EXPLORE_CODE_OBJ)
	$(call say,LD,$@) gcc -no-pie -o $@ $^
test-programs: $(EXPLORER)
-include $(EXPLORE_OBJ:.o=.d) $(EXPLORE_CODE_OBJ:.o=.d)
$(BUILD)/obj/tests/explore/mutants.o: CPPFLAGS += -Itests
$(BUILD)/tests/explore/test_explore: $(BUILD)/obj/tests/explore/mutants.o
