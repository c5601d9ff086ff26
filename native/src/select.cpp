// Which instruction set runs, chosen once at run time.
#include <string.h>

#include "kernels.h"
#include "status.h"

#if defined(RECURRA_X86)
#include <cpuid.h>
#endif
#if defined(RECURRA_X86) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace recurra {
namespace {

// `widens`: to it bfloat16 is a way to store numbers only.
struct Candidate {
  const char* name;
  const Kernels* kernels;
  const NarrowKernels* narrow;
  bool widens, runs;
};

constexpr const char* NAMES[] = {"baseline", "avx2", "avx512", "avx512bf16", "amx", "neon"};

Candidate chosen{};

#ifdef RECURRA_X86
// Leaf 7 of CPUID: bit 5 of subleaf 1's eax is AVX512_BF16; of subleaf 0's edx, 22 is AMX-BF16 and 24
// AMX-TILE.
bool multiplies_pairs() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 5 & 1);
}

// Whether the processor has tiles, and the operating system saves them and lets this process use
// them: their 8 KiB are part of a thread's state only for those who ask.
bool multiplies_tiles() {
#ifdef __linux__
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx >> 22 & 1) || !(edx >> 24 & 1))
    return false;
  unsigned saved = 0, high = 0;  // XCR0, of which 17 and 18 are tiles' shapes and data
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx >> 27 & 1)) return false;
  __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  constexpr long ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18;
  return (saved >> 17 & 3) == 3 && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
#else
  return false;
#endif
}
#endif

// Returns the set of this name, or the best that runs here; sets `status` where there is none.
Candidate find(const char* name, int& status) {
#ifdef RECURRA_X86
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool pairs = avx512 && multiplies_pairs(), tiles = pairs && multiplies_tiles();
  const Candidate candidates[] = {
      {"amx", &avx512::kernels, &amx::narrow, false, tiles},
      {"avx512bf16", &avx512::kernels, &avx512bf16::narrow, false, pairs},
      {"avx512", &avx512::kernels, &avx512::narrow, true, avx512},
      {"avx2", &avx2::kernels, &avx2::narrow, true, avx2},
      {"baseline", &baseline::kernels, &baseline::narrow, true, true},
#elif defined(RECURRA_ARM)
  const Candidate candidates[] = {
      {"neon", &neon::kernels, &neon::narrow, true, true},
#else
  const Candidate candidates[] = {
      {"baseline", &baseline::kernels, &baseline::narrow, true, true},
#endif
#if defined(RECURRA_TESTS) && defined(RECURRA_ARM)
      {"emulated", &neon::kernels, &emulated::narrow, true, true},
#elif defined(RECURRA_TESTS)
      {"emulated", &baseline::kernels, &emulated::narrow, true, true},
#endif
  };
  status = UNKNOWN_ISA;
  for (const char* known : NAMES)
    if (name && strcmp(name, known) == 0) status = ABSENT_ISA;
  for (const Candidate& candidate : candidates) {
    if (name && strcmp(name, candidate.name) != 0) continue;
    if (candidate.runs) {
      status = OK;
      return candidate;
    }
  }
  return {};
}

}  // namespace

const Kernels* selected() { return chosen.kernels; }
const NarrowKernels* selected_narrow() { return chosen.narrow; }

}  // namespace recurra

extern "C" int recurra_select(const char* name) {
  int status = recurra::OK;
  const recurra::Candidate found = recurra::find(name, status);
  if (found.kernels) recurra::chosen = found;
  return status;
}

extern "C" const char* recurra_selected(void) {
  return recurra::chosen.name ? recurra::chosen.name : "";
}

extern "C" int recurra_multiplies_bfloat16(void) {
  return recurra::chosen.kernels && !recurra::chosen.widens;
}

extern "C" const char* recurra_vendor(void) {
#ifdef RECURRA_X86
  __builtin_cpu_init();
  if (__builtin_cpu_is("amd")) return "amd";
  if (__builtin_cpu_is("intel")) return "intel";
#endif
  return "";
}
