/* What the processor has, asked of itself or of the system: no compiler's own detection, which not all carry along. */
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

enum { EAX, EBX, ECX, EDX };

/* True where a leaf of CPUID has all of some bits. */
static int cpu_has(unsigned leaf, unsigned subleaf, int which, unsigned bits) {
    unsigned found[4];
    if (!__get_cpuid_count(leaf, subleaf, &found[EAX], &found[EBX], &found[ECX], &found[EDX])) return 0;
    return (found[which] & bits) == bits;
}

/* True where the system saves some registers when it changes threads (XCR0). */
static int system_saves(unsigned registers) {
    unsigned low, high;
    if (!cpu_has(1, 0, ECX, 1u << 27 /* OSXSAVE */)) return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & registers) == registers;
}

static int has_avx2(void) {
    return system_saves(0x06) && cpu_has(1, 0, ECX, 1u << 28 /* AVX */ | 1u << 12 /* FMA */ | 1u << 29 /* F16C */) &&
           cpu_has(7, 0, EBX, 1u << 5);
}

static int has_avx512(void) {
    return has_avx2() && system_saves(0xe6) && cpu_has(7, 0, EBX, 1u << 16 /* F */ | 1u << 30 /* BW */ | 1u << 31 /* VL */) &&
           cpu_has(7, 0, ECX, 1u << 11 /* VNNI */);
}

#ifdef HAS_AVXVNNI
static int has_avxvnni(void) { return has_avx2() && cpu_has(7, 1, EAX, 1u << 4); }
#endif
#ifdef HAS_AMX
#include <sys/syscall.h>
#include <unistd.h>

/* Tiles of 8-bit numbers, and the system's leave to use them (Linux asks to be asked: arch_prctl). */
static int has_amx(void) {
    return cpu_has(7, 0, EDX, 3u << 24) && !syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* tile data */);
}
#endif
#elif defined(__linux__)
#include <sys/auxv.h>

static int has_dotprod(void) { return getauxval(AT_HWCAP) >> 20 & 1; } /* HWCAP_ASIMDDP */
#ifdef HAS_I8MM
static int has_i8mm(void) { return getauxval(AT_HWCAP2) >> 13 & 1; } /* HWCAP2_I8MM */
#endif
#elif defined(__APPLE__)
#include <sys/sysctl.h>

static int told(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return !sysctlbyname(name, &value, &size, NULL, 0) && value;
}
static int has_dotprod(void) { return told("hw.optional.arm.FEAT_DotProd"); }
#ifdef HAS_I8MM
static int has_i8mm(void) { return told("hw.optional.arm.FEAT_I8MM"); }
#endif
#endif
