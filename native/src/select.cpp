// Which instruction set runs, chosen once at run time.
#include <string.h>

#include "kernels.h"
#include "status.h"

namespace recurra {
namespace {

struct Candidate {
  const Kernels* kernels;
  bool runs;
};

constexpr const char* NAMES[] = {"baseline", "avx2", "avx512", "neon"};

const Kernels* chosen = nullptr;

// Returns the set of this name, or the best that runs here; sets `status` where there is none.
const Kernels* find(const char* name, int& status) {
#ifdef RECURRA_X86
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const Candidate candidates[] = {
      {&avx512::kernels, avx512}, {&avx2::kernels, avx2}, {&baseline::kernels, true}};
#elif defined(RECURRA_ARM)
  const Candidate candidates[] = {{&neon::kernels, true}};
#else
  const Candidate candidates[] = {{&baseline::kernels, true}};
#endif
  status = UNKNOWN_ISA;
  for (const char* known : NAMES)
    if (name && strcmp(name, known) == 0) status = ABSENT_ISA;
  for (const Candidate& candidate : candidates) {
    if (name && strcmp(name, candidate.kernels->name) != 0) continue;
    if (candidate.runs) {
      status = OK;
      return candidate.kernels;
    }
  }
  return nullptr;
}

}  // namespace

const Kernels* selected() { return chosen; }

}  // namespace recurra

extern "C" int recurra_select(const char* name) {
  int status = recurra::OK;
  const recurra::Kernels* found = recurra::find(name, status);
  if (found) recurra::chosen = found;
  return status;
}

extern "C" const char* recurra_selected(void) {
  return recurra::chosen ? recurra::chosen->name : "";
}

extern "C" const char* recurra_vendor(void) {
#ifdef RECURRA_X86
  __builtin_cpu_init();
  if (__builtin_cpu_is("amd")) return "amd";
  if (__builtin_cpu_is("intel")) return "intel";
#endif
  return "";
}
