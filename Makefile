# skep: one plain GNU makefile. `make demo` and `make check` are all a newcomer needs.
#
#   make            the release build: build/release/skep
#   make demo       installs what is missing, builds, runs the first example
#   make check      installs what is missing, builds, runs every test
#   make test       the unprivileged part of the tests, no network, no root
#   make bench      the benchmarks of docs/benchmarks.md
#   make static     a fully static binary: build/static/skep
#   make fuzz       runs one fuzz harness (tests/fuzz): FUZZ=verify TIME=60
#   make golden     rewrites the golden files; review the diff by hand
#   make compile_commands.json
#
# Variables: CONFIG=release|debug|static|tsan|cov, V=1, CC=…, ROOMS="base isa" (build only these rooms and
# their unit tests), WERROR=1, UNIT=NAME (run one unit test). A file config.mk may set any of them.

-include config.mk

CONFIG ?= release
ROOMS  ?= base isa types obj ir probes gen cfront verify maps rt btfront vm jit user kern api cli
BUILD  := build/$(CONFIG)
PYTHON ?= python3
PREFIX ?= /usr/local

# Small: unused functions go; no unwind tables (-g has what debuggers need); packed relocations.
SMALL           = -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
# What runs for each event or instruction is built for speed, the rest (used once a run) for size.
HOT             = maps verify vm jit user
OPTIMISE        = $(if $(filter $(HOT),$(word 2,$(subst /, ,$<))),-O2,-Os)
CFLAGS_release  = $(OPTIMISE) -g $(SMALL)
CFLAGS_static   = $(OPTIMISE) -g $(SMALL)
CFLAGS_debug    = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -DSKEP_DEBUG
CFLAGS_tsan     = -O1 -g -fsanitize=thread
CFLAGS_cov      = -O0 -g --coverage
CFLAGS_fuzz     = -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -DSKEP_DEBUG
LDFLAGS_release = -Wl,--gc-sections -Wl,-z,pack-relative-relocs
LDFLAGS_static  = -static -Wl,--gc-sections
LDFLAGS_debug   = -fsanitize=address,undefined
LDFLAGS_tsan    = -fsanitize=thread
LDFLAGS_cov     = --coverage
LDFLAGS_fuzz    = -fsanitize=address,undefined,fuzzer

WARN := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wvla -Wimplicit-fallthrough
ifdef WERROR
WARN += -Werror
endif
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -fvisibility=hidden -fPIC -Isrc -Iinclude $(WARN) \
	$(CFLAGS_$(CONFIG)) $(CFLAGS)
# libbpf, libelf and zlib are linked statically, so that the binary needs only libc.
LIBS := -Wl,-Bstatic -lbpf -lelf -lz -Wl,-Bdynamic
ifeq ($(CONFIG),static)
LIBS := -lbpf -lelf -lz
endif

SRC    := $(foreach r,$(ROOMS),$(wildcard src/$(r)/*.c))
OBJ    := $(SRC:%.c=$(BUILD)/%.o)
LIBSRC := $(filter-out src/cli/%,$(SRC))
LIBOBJ := $(LIBSRC:%.c=$(BUILD)/%.o)
LIBHDR := $(BUILD)/gen/lib_headers.inc

Q := $(if $(V),,@)

all: $(BUILD)/skep
.PHONY: all demo check test bench static golden clean unit unit-all unit-tsan progs install format check-format \
	lint check-run check-cli check-guest check-embed arm64 check-arm64

$(BUILD)/skep: $(OBJ)
	$(Q)echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS_$(CONFIG)) $(LDFLAGS) -o $@ $(OBJ) $(LIBS)

$(BUILD)/libskep.a: $(LIBOBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/src/%.o: src/%.c
	$(Q)mkdir -p $(@D)
	$(Q)echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) -I$(BUILD)/gen -MMD -MP -c -o $@ $<

# lib/ is shipped inside the binary: a table of name and text.
$(LIBHDR): scripts/embed-lib $(wildcard lib/*.h lib/*/*.h)
	$(Q)mkdir -p $(@D)
	$(Q)scripts/embed-lib lib > $@
$(BUILD)/src/cfront/lib.o: $(LIBHDR)

# ---- tests ----------------------------------------------------------------------------------------

UNITSRC := $(wildcard $(foreach r,$(ROOMS),tests/unit/$(r)_test.c tests/unit/$(r)_*_test.c))
UNITS   := $(UNITSRC:tests/unit/%.c=$(BUILD)/unit/%)
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libskep.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS_$(CONFIG)) -MMD -MP -o $@ $< $(BUILD)/libskep.a $(LIBS) -lcmocka

unit: $(if $(UNIT),$(BUILD)/unit/$(UNIT),$(UNITS))
	$(Q)for t in $^; do echo "== $$t"; $$t || exit 1; done

# All unit tests, also after a failure.
unit-all: $(UNITS)
	$(Q)bad=0; for t in $^; do echo "== $$t"; $$t || bad=1; done; exit $$bad

# What runs in many threads, under ThreadSanitizer (which cannot live with all of what the system does to
# place memory at random: setarch turns that off where it may).
THREADED := $(patsubst %,build/tsan/unit/%,maps_threads_test vm_threads_test)
unit-tsan:
	$(Q)$(MAKE) --no-print-directory CONFIG=tsan ROOMS="base isa types obj maps vm" $(THREADED)
	$(Q)fixed=$$(setarch -R true 2>/dev/null && echo setarch -R); \
		for t in $(THREADED); do echo "== $$t"; $$fixed $$t || exit 1; done

golden: $(UNITS)
	$(Q)for t in $^; do SKEP_GOLDEN=write $$t >/dev/null 2>&1 || true; done; git status --short tests

# Fuzzing (tests/fuzz/README.md): libFuzzer for as long as one likes, or a fixed number of inputs without it.
FUZZ ?= verify
TIME ?= 60
RUNS ?= 1500
FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c $(BUILD)/libskep.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS_$(CONFIG)) -MMD -MP -o $@ $< \
		$(if $(filter fuzz,$(CONFIG)),,tests/fuzz/driver.c) $(BUILD)/libskep.a $(LIBS)

fuzz-one: $(BUILD)/fuzz/$(FUZZ)
	$(Q)mkdir -p build/fuzz/$(FUZZ)-corpus build/fuzz/$(FUZZ)-found
	$(Q)$< -max_total_time=$(TIME) -artifact_prefix=build/fuzz/$(FUZZ)-found/ \
		build/fuzz/$(FUZZ)-corpus tests/fuzz/seeds/$(FUZZ)
fuzz:
	$(Q)$(MAKE) --no-print-directory CONFIG=fuzz CC=clang fuzz-one

check-fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)bad=0; for f in $(FUZZERS); do echo "== $$f"; \
		$(BUILD)/fuzz/$$f -s tests/fuzz/seeds/$$f -n $(RUNS) || bad=$$((bad + 1)); done; \
		echo "$$(($(words $(FUZZERS)) - bad)) passed, $$bad failed, 0 skipped"; [ $$bad = 0 ]

# Programs that the tests trace: static, so that they run in the guest and make few calls of their own.
PROGS := $(patsubst tests/progs/%.c,build/progs/%,$(wildcard tests/progs/*.c))
progs: $(PROGS)
build/progs/exact: tests/progs/exact.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 $(WARN) -static -nostdlib -ffreestanding -fno-stack-protector -o $@ $<
# Where the compiler can make no 32-bit programs, the tests of them are left out.
progs: build/progs/exact32
build/progs/exact32: tests/progs/exact.c
	$(Q)mkdir -p $(@D)
	-$(Q)$(CC) -m32 -O1 $(WARN) -static -nostdlib -ffreestanding -fno-stack-protector -fno-pic -o $@ $< 2>/dev/null
PROBED = $(CC) -std=gnu11 -D_GNU_SOURCE -O1 -fno-inline -fno-optimize-sibling-calls $(WARN) -pthread -Wno-clobbered -Wno-infinite-recursion
progs: build/progs/probed.so build/progs/probed_static
progs: build/progs/marked_counted
build/progs/marked_counted: tests/progs/marked.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -DCOUNTED -fPIE -pie -o $@ $<
build/progs/probed: tests/progs/probed.c
	$(Q)mkdir -p $(@D)
	$(Q)$(PROBED) -fPIE -pie -o $@ $< -ldl
build/progs/probed.so: tests/progs/probed.c
	$(Q)mkdir -p $(@D)
	$(Q)$(PROBED) -DLIB -shared -fPIC -o $@ $<
build/progs/probed_static: tests/progs/probed.c
	$(Q)mkdir -p $(@D)
	$(Q)$(PROBED) -static -no-pie -o $@ $< 2>/dev/null
build/progs/%: tests/progs/%.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O1 $(WARN) -static -pthread -o $@ $<

# As root where that needs no password; else what needs root is skipped, and says so.
ENGINES ?= kern user
RUNNER = $$([ $$(id -u) = 0 ] || ! sudo -n true 2>/dev/null || echo sudo) \
	env ENGINES="$(ENGINES)" SKEP=$(abspath $(BUILD)/skep) PROGS=$(abspath build/progs) EXAMPLES=$(abspath examples) BPF=$(abspath tests/bpf) \
	tests/run/runner
check-run: all progs
	$(Q)$(RUNNER) $(wildcard tests/run/*.rt)

check-cli: ENGINES = kern
check-cli: all progs
	$(Q)$(RUNNER) $(wildcard tests/cli/*.rt)

check-guest: static progs
	$(Q)scripts/guest build/static/skep build/progs $(wildcard tests/run/*.rt tests/kernel/*.rt)

# The engine for arm64, run by qemu: the rooms that the JIT needs, and their tests with a small cmocka.
ARM64_CC    ?= aarch64-linux-gnu-gcc
ARM64_SRC   := $(foreach r,base isa types maps vm jit,$(wildcard src/$(r)/*.c))
ARM64_UNITS := build/arm64/vm_conformance_test build/arm64/jit_test build/arm64/jit_safety_test \
	       build/arm64/jit_objects_test
ARM64_OBJ   := $(ARM64_SRC:%.c=build/arm64/%.o)
ARM64_FLAGS  = $(filter-out -fsanitize=%,$(ALL_CFLAGS)) $(CFLAGS_release) -DSKEP_DEBUG
build/arm64/src/%.o: src/%.c
	$(Q)mkdir -p $(@D)
	$(Q)echo "  ARM64 $<"
	$(Q)$(ARM64_CC) $(ARM64_FLAGS) -MMD -MP -c -o $@ $<
build/arm64/libskep.a: $(ARM64_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)
build/arm64/%_test: tests/unit/%_test.c tests/unit/isa_data.h tests/unit/jit_fixture.h tests/arm64/cmocka.h build/arm64/libskep.a
	$(Q)$(ARM64_CC) $(ARM64_FLAGS) -Itests/arm64 -static -Wl,--gc-sections -o $@ $< build/arm64/libskep.a
arm64: $(ARM64_UNITS)
check-arm64:
	$(Q)ARM64_CC="$(ARM64_CC)" scripts/check-arm64

static:
	$(Q)$(MAKE) --no-print-directory CONFIG=static build/static/skep

# Headers and tests keep their hand-made tables; the code is held to .clang-format.
C_FILES := $(wildcard src/*/*.c)
format:
	$(Q)clang-format -i $(C_FILES)
check-format:
	$(Q)clang-format --dry-run --Werror $(C_FILES)

lint:
	$(Q)scripts/lint

demo:
	$(Q)scripts/install-deps build
	$(Q)$(MAKE) --no-print-directory all
	$(BUILD)/skep run examples/hello.c -- ls /

check:
	$(Q)scripts/install-deps check
	$(Q)scripts/check

bench:
	$(Q)scripts/install-deps bench
	$(Q)$(MAKE) --no-print-directory all static progs build/release/libskep.a
	$(Q)bench/run

compile_commands.json: Makefile
	$(Q)( echo '['; sep=; for f in $(SRC); do \
		printf '%s{"directory":"%s","file":"%s","command":"%s -c %s"}\n' "$$sep" "$(CURDIR)" $$f \
		"$(CC) $(subst ",,$(ALL_CFLAGS)) -I$(BUILD)/gen" $$f; sep=,; done; echo ']' ) > $@

# The installed archive is one object whose only global names are skep.h's, and so are the shared library's, which
# needs libbpf and libelf as shared libraries: their archives are not made for that.
VERSION := $(shell sed -n 's/^.define SKEP_VERSION "\(.*\)"/\1/p' include/skep/skep.h)
LIBDIR  ?= $(PREFIX)/lib
$(BUILD)/dist/libskep.a: $(LIBOBJ)
	$(Q)mkdir -p $(@D) && rm -f $@
	$(Q)$(LD) -r -o $(@D)/skep.o $^
	$(Q)$(OBJCOPY) --strip-debug --localize-hidden $(@D)/skep.o && $(AR) rcs $@ $(@D)/skep.o
$(BUILD)/dist/libskep.so.0: $(LIBOBJ)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -shared -Wl,-soname,libskep.so.0 -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,-z,defs -s \
		$(LDFLAGS) -o $@ $^ -lbpf -lelf -lz
$(BUILD)/dist/skep.pc: Makefile
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' \
		'Name: skep' 'Description: eBPF, whole: compiles, verifies and runs BPF programs' \
		'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lskep' \
		'Libs.private: -lbpf -lelf -lz' > $@

OBJCOPY ?= objcopy
install: all $(addprefix $(BUILD)/dist/,libskep.a libskep.so.0 skep.pc)
	install -D -m 755 $(BUILD)/skep $(DESTDIR)$(PREFIX)/bin/skep
	install -D -m 644 docs/skep.1 $(DESTDIR)$(PREFIX)/share/man/man1/skep.1
	install -D -m 644 include/skep/skep.h $(DESTDIR)$(PREFIX)/include/skep/skep.h
	install -D -m 644 $(BUILD)/dist/libskep.a $(DESTDIR)$(LIBDIR)/libskep.a
	install -D -m 755 $(BUILD)/dist/libskep.so.0 $(DESTDIR)$(LIBDIR)/libskep.so.0
	ln -sf libskep.so.0 $(DESTDIR)$(LIBDIR)/libskep.so
	install -D -m 644 $(BUILD)/dist/skep.pc $(DESTDIR)$(LIBDIR)/pkgconfig/skep.pc

# Installs into a folder of its own and builds examples/embed with what is there.
check-embed:
	$(Q)scripts/check-embed

test: all unit-all

clean:
	rm -rf build

-include $(OBJ:.o=.d) $(UNITS:=.d) $(ARM64_OBJ:.o=.d)
