# rill: build, test, install. `make help` lists the targets.
#
# Everything that is built goes to $(BUILD); another folder, compiler or flags set:
#     make BUILD=/tmp/rill-asan CC=clang SANITIZE=address

BUILD    ?= build
# One name for each file, however the folder was given: dependencies go by names.
override BUILD := $(abspath $(BUILD))
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= cc
CXX      ?= c++
AR       ?= ar
LD       ?= ld
OBJCOPY  ?= objcopy
OPT      ?= -O2 -g
VERSION  := 0.1.0
SOVERSION := 0

# SANITIZE=address,undefined or SANITIZE=thread builds everything with that sanitizer.
SANITIZE ?=
SAN      := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	    $(if $(filter thread,$(SANITIZE)),-Wno-tsan)

# Hardening: what the compiler knows of it, and nothing that a sanitizer watches itself. Readers of
# files that others made, and what runs in other programs, are compiled so (docs/threat-model.md). Of
# CET the shadow stack: it costs no instruction, and Linux gives programs no more of it.
knows     = $(shell echo 'int x;' | $(CC) -Werror $1 -x c -c -o /dev/null - 2>/dev/null && echo ' $1')
FORTIFY  := $(if $(SANITIZE)$(filter -O0,$(OPT)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDEN   := $(FORTIFY)$(foreach f,-fstack-protector-strong -fstack-clash-protection \
	    -fcf-protection=return -mbranch-protection=standard,$(call knows,$f))
HARDEN_LD := -Wl,-z,relro,-z,now,-z,noexecstack

WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Isrc -I$(BUILD)/include
BASE     := $(OPT) $(SAN) -MMD -MP -pthread
CFLAGS   += -std=gnu11 $(WARN)
LDLIBS   := -pthread -lm -lzstd

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2:$(BUILD)/%=%);
endif

LIB_SRC := $(wildcard src/core/*.c src/core/prim/*.c src/dump/*.c src/collect/*.c src/sink/*.c src/control/*.c)
CLI_SRC := $(wildcard src/cli/*.c src/cli/*/*.c)
GEN_SRC := $(wildcard gen/*.c) src/core/characters.c

LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/stalwart.o
PIC_OBJ := $(LIB_SRC:%.c=$(BUILD)/pic/%.o) $(BUILD)/pic/stalwart.o
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/report-page.o
GEN_OBJ := $(GEN_SRC:%.c=$(BUILD)/obj/%.o)
$(LIB_OBJ) $(PIC_OBJ) $(CLI_OBJ) $(GEN_OBJ): CPPFLAGS += -DRILL_VERSION='"$(VERSION)"'

# When building for another machine: HOST_GEN is a rill-gen that runs here.
GEN     := $(or $(HOST_GEN),$(BUILD)/rill-gen)
STALWART := $(BUILD)/include/rill/stalwart.h
LIBA    := $(BUILD)/librill.a
INTERNAL := $(BUILD)/obj/internal.a
LIBSO   := $(BUILD)/librill.so
CLIA    := $(BUILD)/obj/cli.a
RILL    := $(BUILD)/rill

.PHONY: all help clean
all: $(LIBA) $(LIBSO) $(RILL) $(GEN) $(BUILD)/rill.pc ## build the library, rill and rill-gen

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 16

clean: ## remove what was built
	rm -rf $(BUILD)

# --- rill-gen and what it writes -----------------------------------------------------------------
$(BUILD)/rill-gen: $(GEN_OBJ)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) -pie $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lcmark-gfm-extensions -lcmark-gfm

$(BUILD)/gen/stalwart.c: docs/events.md docs/events.ids $(GEN)
	@mkdir -p $(BUILD)/gen $(BUILD)/include/rill
	$(call say,GEN,$@) $(GEN) --name stalwart --lock docs/events.ids --locked \
		--header $(STALWART) --source $@ docs/events.md
$(STALWART): $(BUILD)/gen/stalwart.c ;

# --- objects --------------------------------------------------------------------------------------
# The flags stand in this file: when it changes, everything is compiled again.
$(LIB_OBJ) $(PIC_OBJ) $(CLI_OBJ) $(GEN_OBJ): Makefile
$(LIB_OBJ) $(PIC_OBJ): CFLAGS += -fvisibility=hidden
$(LIB_OBJ) $(PIC_OBJ) $(CLI_OBJ) $(GEN_OBJ): CFLAGS += $(HARDEN)
$(LIB_OBJ) $(CLI_OBJ) $(GEN_OBJ): CFLAGS += -fPIE
# What an event passes through, where a canary would be six instructions more for each.
HOT_OBJ := $(foreach f,emit encode,$(BUILD)/obj/src/core/$f.o $(BUILD)/pic/src/core/$f.o)
$(HOT_OBJ): CFLAGS += -fno-stack-protector
$(BUILD)/obj/stalwart.o $(BUILD)/pic/stalwart.o: CPPFLAGS += -DRILL_CATALOG_EXPORT

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) $(CFLAGS) -c -o $@ $<
$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) -fPIC $(CFLAGS) -c -o $@ $<
$(BUILD)/obj/stalwart.o: $(BUILD)/gen/stalwart.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) $(CFLAGS) -c -o $@ $<
$(BUILD)/pic/stalwart.o: $(BUILD)/gen/stalwart.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) -fPIC $(CFLAGS) -c -o $@ $<

# --- library and command --------------------------------------------------------------------------
# One object in which only the public names are global: a program may have a queue_put() of its own.
$(BUILD)/obj/librill.o: $(LIB_OBJ)
	$(call say,LD,$@) $(LD) -r -o $@.all $^ && $(OBJCOPY) --localize-hidden $@.all $@ && rm $@.all
$(LIBA): $(BUILD)/obj/librill.o
	@rm -f $@
	$(call say,AR,$@) $(AR) rcs $@ $^

# The same with every name, for the rill command and the tests of its parts.
$(INTERNAL): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@) $(AR) rcs $@ $^

# Parts of the rill command, for their tests.
$(CLIA): $(filter-out %/main.o,$(CLI_OBJ))
	@rm -f $@
	$(call say,AR,$@) $(AR) rcs $@ $^

$(LIBSO).$(SOVERSION): $(PIC_OBJ) src/librill.map
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(HARDEN_LD) $(LDFLAGS) -shared -Wl,-soname,librill.so.$(SOVERSION) \
		-Wl,--version-script=src/librill.map -Wl,-z,nodelete -Wl,-z,defs -o $@ $(PIC_OBJ) $(LDLIBS)
$(LIBSO): $(LIBSO).$(SOVERSION)
	$(Q)ln -sf librill.so.$(SOVERSION) $@

# The page of `rill report`: its parts in one file, which stands in the command as it is.
PAGE_SRC := $(addprefix src/cli/report/page/,page.html page.css format.js data.js chart.js list.js overview.js \
	timeline.js spans.js tables.js app.js)
$(BUILD)/gen/report-head.html: src/cli/report/page.sh $(PAGE_SRC)
	@mkdir -p $(@D)
	$(call say,GEN,$@) src/cli/report/page.sh $(@D) $(PAGE_SRC)
$(BUILD)/gen/report-script.html: $(BUILD)/gen/report-head.html ;
$(BUILD)/obj/report-page.o: src/cli/report/page.S $(BUILD)/gen/report-head.html $(BUILD)/gen/report-script.html
	@mkdir -p $(@D)
	$(call say,AS,$@) $(CC) $(filter -fcf-protection=%,$(HARDEN)) -c -I$(BUILD)/gen -Wa,-I$(BUILD)/gen -o $@ $<

# Only the command takes zlib.
$(RILL): $(CLI_OBJ) $(INTERNAL)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) -pie $(HARDEN_LD) $(LDFLAGS) -o $@ $(CLI_OBJ) $(INTERNAL) $(LDLIBS) -lz

# Written anew each time: PREFIX may be another one than that of the last call.
.PHONY: FORCE
$(BUILD)/rill.pc: src/rill.pc.in FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' $< >$@

# --- examples ---------------------------------------------------------------------------------------
SMTPD_SRC := $(wildcard examples/smtpd/*.c)
SMTPD_OBJ := $(SMTPD_SRC:%.c=$(BUILD)/obj/%.o)
SMTPD     := $(BUILD)/examples/smtpd
HELLO     := $(BUILD)/examples/hello
EXAMPLES  := $(if $(SMTPD_SRC),$(SMTPD)) $(if $(wildcard examples/hello/hello.c),$(HELLO))

.PHONY: examples
examples: $(EXAMPLES) ## build the examples

$(SMTPD): $(SMTPD_OBJ) $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(SMTPD_OBJ): $(STALWART)
$(SMTPD_OBJ): CPPFLAGS += -Iexamples

$(BUILD)/gen/hello.c: examples/hello/hello.md examples/hello/hello.ids $(GEN)
	@mkdir -p $(@D)
	$(call say,GEN,$@) $(GEN) --name hello --locked --header $(BUILD)/gen/hello_events.h --source $@ $<
$(BUILD)/obj/examples/hello/hello.o: CPPFLAGS += -I$(BUILD)/gen
$(BUILD)/obj/examples/hello/hello.o: $(BUILD)/gen/hello.c
$(BUILD)/obj/hello-catalog.o: $(BUILD)/gen/hello.c
	$(call say,CC,$@) $(CC) $(CPPFLAGS) $(BASE) $(CFLAGS) -c -o $@ $<
$(HELLO): $(BUILD)/obj/examples/hello/hello.o $(BUILD)/obj/hello-catalog.o $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- tests --------------------------------------------------------------------------------------------
# tests/AREA/test_X.c is a Criterion program; tests/programs/X.c is a process that tests run.
TEST_SRC    := $(wildcard tests/*/test_*.c)
SUPPORT_SRC := $(wildcard tests/support/*.c)
PROGRAM_SRC := $(filter-out %/plugin.c %/golden.c,$(wildcard tests/programs/*.c))
TESTS       := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
# These are built in both forms of an event: tests/support/form.h.
BOTH_FORMS  := $(foreach p,abandoned cut filters lengths signals,$(BUILD)/tests/programs/$(p)-compact)
PROGRAMS    := $(PROGRAM_SRC:tests/%.c=$(BUILD)/tests/%) $(BUILD)/tests/programs/plugin.so \
	       $(BUILD)/tests/programs/loader-static $(BOTH_FORMS)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/obj/%.o)
TEST_OBJ    := $(BUILD)/obj/tests/programs/golden.o $(TEST_SRC:%.c=$(BUILD)/obj/%.o) $(PROGRAM_SRC:%.c=$(BUILD)/obj/%.o) $(SUPPORT_OBJ) \
	       $(BOTH_FORMS:$(BUILD)/%=$(BUILD)/obj/%.o)

# Programs of others that run on node, and what asks them: a test runs $(NODE)/X.mjs.
NODE         ?= $(BUILD)/node
NODE_SCRIPTS := $(patsubst tests/node/%,$(NODE)/%,$(wildcard tests/node/*.mjs))
.PHONY: node
node: $(NODE)/ready $(NODE_SCRIPTS) ## install the npm packages that the tests ask
$(NODE)/ready: tests/node/package.json tests/node/package-lock.json tests/node/.npmrc
	@mkdir -p $(NODE) && cp $^ $(NODE)
	$(call say,NPM,$(NODE)) cd $(NODE) && npm ci --omit=dev >npm.log 2>&1 || { cat npm.log >&2; exit 1; }
	$(Q)touch $@
$(NODE)/%.mjs: tests/node/%.mjs
	@mkdir -p $(@D) && cp $< $@

.PHONY: test-programs
test-programs: all examples node $(TESTS) $(PROGRAMS) ## build everything that the tests run

# Tests that compile programs link them with what was built here.
$(TEST_OBJ): CFLAGS += $(FORTIFY)
$(TEST_OBJ): CPPFLAGS += -Itests -DTEST_CC='"$(CC)"' -DTEST_SANITIZE='"$(SAN)"' \
	-DTEST_NODE='"$(NODE)"'
$(TEST_OBJ): $(STALWART)
$(TESTS): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT_OBJ) $(CLIA) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)
# Most are programs as a user writes them; those named *_race take a part of librill by itself.
$(filter %_race,$(PROGRAMS)): $(INTERNAL)
$(filter-out %_race %/loader %/unloads %/loader-static %.so,$(PROGRAMS)): $(LIBA)
$(filter-out %/loader %/unloads %/loader-static %.so,$(PROGRAMS)): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS) -ldl

$(BUILD)/obj/tests/programs/%-compact.o: tests/programs/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(CPPFLAGS) -DCOMPACT $(BASE) $(CFLAGS) -c -o $@ $<

# A plugin and a program that loads it share the library.
$(BUILD)/tests/programs/loader $(BUILD)/tests/programs/unloads: $(BUILD)/tests/programs/%: $(BUILD)/obj/tests/programs/%.o $(LIBSO)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $< -L$(BUILD) -lrill -pthread -Wl,-rpath,'$$ORIGIN/../..' -ldl
# Its plugin brings a second copy.
$(BUILD)/tests/programs/loader-static: $(BUILD)/obj/tests/programs/loader.o $(LIBA)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ $(LDLIBS) -ldl
$(BUILD)/tests/programs/plugin.so: tests/programs/plugin.c $(LIBSO)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CPPFLAGS) $(OPT) $(SAN) -std=gnu11 -fPIC -shared -o $@ $< -L$(BUILD) -lrill -Wl,-rpath,'$$ORIGIN/../..'

# The golden dumps: written once for a version of the format, and in git.
.PHONY: golden
GOLDEN := tests/data/dump
golden: $(BUILD)/tests/programs/golden ## write the golden dumps anew: of another version of the format only
	@mkdir -p $(GOLDEN)
	GOLDEN=$(GOLDEN) $<
	$(Q)for f in $(GOLDEN)/*.rill; do python3 -B tests/dump/second_checks.py $$f >$${f%.rill}.txt || exit; done
$(BUILD)/tests/programs/golden: $(BUILD)/obj/tests/programs/golden.o $(SUPPORT_OBJ) $(CLIA) $(INTERNAL)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)

# --- packages, demo, tests, installation ----------------------------------------------------------------
.PHONY: packages demo test check test-medium test-long fresh install format lint
packages: ## install the Debian packages that building needs
	$(Q)tests/packages.sh build

demo: ## install what is missing, build, trace a live mail server, check what was seen
	$(Q)tests/packages.sh build demo
	$(Q)$(MAKE) --no-print-directory all examples
	$(Q)examples/smtpd/demo.sh $(BUILD)

test: ## install what is missing, build, run the short tier of the tests
	$(Q)tests/packages.sh build test
	$(Q)$(MAKE) --no-print-directory check

check: test-programs ## the short tier, without looking at packages
	$(Q)tests/run.sh short $(BUILD)

test-medium: test-programs ## the medium tier: whole ranges instead of samples, longer stress (an hour at most)
	$(Q)tests/run.sh medium $(BUILD)

test-long: test-programs asan tsan msan portable ## sanitizers, other CPUs, and the stress for two hours
	$(Q)tests/run.sh long $(BUILD)

fresh: ## both commands of the README in a bare Debian 12 (needs root and debootstrap)
	$(Q)tests/fresh.sh

install: all ## install below DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/include/rill/static $(DESTDIR)$(PREFIX)/lib/pkgconfig \
		$(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/doc/rill
	install -m 644 include/rill/*.h $(STALWART) $(DESTDIR)$(PREFIX)/include/rill
	install -m 644 include/rill/static/*.h $(DESTDIR)$(PREFIX)/include/rill/static
	install -m 644 $(LIBA) $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(LIBSO).$(SOVERSION) $(DESTDIR)$(PREFIX)/lib
	ln -sf librill.so.$(SOVERSION) $(DESTDIR)$(PREFIX)/lib/librill.so
	install -m 644 $(BUILD)/rill.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 755 $(RILL) $(GEN) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard docs/*.1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(RILL) completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/rill
	$(RILL) completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_rill
	$(RILL) completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/rill.fish
	install -m 644 docs/*.md docs/*.png docs/events.ids $(DESTDIR)$(PREFIX)/share/doc/rill

C_FILES := $(wildcard include/rill/*.h include/rill/static/*.h src/*/*.[ch] src/*/*/*.[ch] gen/*.[ch] \
	bench/*/*.[ch] tests/*/*.[ch] examples/*/*.[ch])
format: ## format all C files
	$(Q)clang-format -i $(C_FILES)

lint: $(STALWART) ## clang-format, clang-tidy, cppcheck, codespell: silent when clean
	$(Q)tests/lint.sh $(BUILD) $(C_FILES)

-include $(LIB_OBJ:.o=.d) $(PIC_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(GEN_OBJ:.o=.d) $(TEST_OBJ:.o=.d)
-include $(SMTPD_OBJ:.o=.d) $(BUILD)/obj/examples/hello/hello.d

include $(sort $(wildcard bench/*.mk tests/*.mk))
