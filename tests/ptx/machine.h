/* What every kernel needs: a thread's place, checked memory, and what C has no operator for. How
   many threads a block has at most, and how large their stacks are, is said before. */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { WARP = 32 };
enum State { READY, BARRIER, VOTE, DONE };

typedef struct {
    char *first;
    size_t n_bytes;
} Array;

typedef struct {
    uint32_t thread, n_threads, block, n_blocks;
    enum State state;
    uint32_t site, vote, votes;
    ucontext_t context;
} Thread;

static Thread threads[MOST_THREADS];
/* The thread that runs. */
static Thread *now = threads;
static ucontext_t scheduler;
static uint64_t *arguments;
/* The last is none, as of every table. */
static const Array *given_arrays;
static char error[256];

/* End the launch: threads do not come back from here. */
static void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int n = snprintf(error, sizeof error, "block %u, thread %u: ", now->block, now->thread);
    vsnprintf(error + n, sizeof error - n, format, values);
    va_end(values);
    setcontext(&scheduler);
}

static int is_inside(const Array *arrays, const char *at, size_t n_bytes)
{
    for (; arrays->first; arrays++) {
        size_t offset = (uintptr_t)at - (uintptr_t)arrays->first;
        if (n_bytes <= arrays->n_bytes && offset <= arrays->n_bytes - n_bytes)
            return 1;
    }
    return 0;
}

static inline void check_access(const char *what, const char *at, size_t n_bytes, int is_there)
{
    if ((uintptr_t)at % n_bytes)
        fail("%s of %zu bytes that are not aligned", what, n_bytes);
    if (!is_there)
        fail("%s of %zu bytes outside of every array", what, n_bytes);
}

/* Sites are the places of a kernel where threads wait: those that wait together are at the same. */
static void wait_at(enum State state, uint32_t site)
{
    now->state = state;
    now->site = site;
    swapcontext(&now->context, &scheduler);
}

static uint32_t take_votes(uint32_t vote, uint32_t lanes, uint32_t site)
{
    if (lanes != UINT32_MAX)
        fail("a vote of some lanes");
    now->vote = vote;
    wait_at(VOTE, site);
    return now->votes;
}

#define VIEW(real, bits, kind, kind_of_bits)                                                       \
    static inline bits bits_of_##kind(real number)                                                 \
    {                                                                                              \
        bits view;                                                                                 \
        memcpy(&view, &number, sizeof view);                                                       \
        return view;                                                                               \
    }                                                                                              \
    static inline real kind##_of_bits(bits number)                                                 \
    {                                                                                              \
        real view;                                                                                 \
        memcpy(&view, &number, sizeof view);                                                       \
        return view;                                                                               \
    }
VIEW(float, uint32_t, f32, b32)
VIEW(double, uint64_t, f64, b64)

/* Whole numbers of real ones that are whole: the nearest there is. Of what is no number, 0, or the
   highest bit where either has 64 of them. */
#define ROUND(whole, to, real, from, lowest, highest, of_nan)                                      \
    static inline whole to##_of_##from(real number)                                                \
    {                                                                                              \
        if (number != number)                                                                      \
            return of_nan;                                                                         \
        if (number <= (real)lowest)                                                                \
            return lowest;                                                                         \
        return number >= (real)highest ? highest : (whole)number;                                  \
    }
ROUND(int32_t, s32, float, f32, INT32_MIN, INT32_MAX, 0)
ROUND(uint32_t, u32, float, f32, 0, UINT32_MAX, 0)
ROUND(int64_t, s64, float, f32, INT64_MIN, INT64_MAX, INT64_MIN)
ROUND(uint64_t, u64, float, f32, 0, UINT64_MAX, 1ull << 63)
ROUND(int32_t, s32, double, f64, INT32_MIN, INT32_MAX, INT32_MIN)
ROUND(uint32_t, u32, double, f64, 0, UINT32_MAX, 1u << 31)
ROUND(int64_t, s64, double, f64, INT64_MIN, INT64_MAX, INT64_MIN)
ROUND(uint64_t, u64, double, f64, 0, UINT64_MAX, 1ull << 63)

/* A card divides by 0 without a word, and what it makes of that is nowhere written. */
#define DIVIDE(whole, kind, overflows)                                                             \
    static inline whole divide_##kind(whole a, whole b)                                            \
    {                                                                                              \
        if (b == 0 || (overflows))                                                                 \
            fail("a division that has no result");                                                 \
        return a / b;                                                                              \
    }                                                                                              \
    static inline whole remainder_##kind(whole a, whole b)                                         \
    {                                                                                              \
        if (b == 0 || (overflows))                                                                 \
            fail("a division that has no result");                                                 \
        return a % b;                                                                              \
    }
DIVIDE(uint32_t, u32, 0)
DIVIDE(uint64_t, u64, 0)
DIVIDE(int32_t, s32, a == INT32_MIN && b == -1)
DIVIDE(int64_t, s64, a == INT64_MIN && b == -1)

#define REAL(real, kind, fabs, copysign, least)                                                     \
    static inline real flush_##kind(real number)                                                   \
    {                                                                                              \
        return fabs(number) < least ? copysign(0, number) : number;                                \
    }                                                                                              \
    static inline real take_##kind(real a, real b, int is_a)                                       \
    {                                                                                              \
        if (a != a && b != b)                                                                      \
            return NAN;                                                                            \
        return b != b || (a == a && is_a) ? a : b;                                                 \
    }                                                                                              \
    static inline real take_lower_##kind(real a, real b)                                           \
    {                                                                                              \
        return take_##kind(a, b, a == b ? signbit(a) : a < b);                                     \
    }                                                                                              \
    static inline real take_higher_##kind(real a, real b)                                          \
    {                                                                                              \
        return take_##kind(a, b, a == b ? signbit(b) : a > b);                                     \
    }
REAL(float, f32, fabsf, copysignf, 0x1p-126f)
REAL(double, f64, fabs, copysign, 0x1p-1022)

/* Of the upper half of the bits; the lower half is 0. */
static inline double approximate_reciprocal(double number)
{
    double upper = f64_of_bits(bits_of_f64(flush_f64(number)) >> 32 << 32);
    return f64_of_bits(bits_of_f64(flush_f64(1.0 / upper)) >> 32 << 32);
}

static inline uint64_t insert_bits(uint64_t low, uint64_t into, uint32_t first, uint32_t n,
                                   uint32_t n_bits)
{
    first &= 0xff;
    n &= 0xff;
    uint64_t mask = n < 64 ? (1ull << n) - 1 : ~0ull;
    if (first >= n_bits)
        return into;
    return (into & ~(mask << first)) | (low & mask) << first;
}

static inline uint32_t count_leading_zeros(uint64_t number, uint32_t n_bits)
{
    return number ? __builtin_clzll(number) - (64 - n_bits) : n_bits;
}

static inline uint32_t reverse_bits(uint32_t number)
{
    uint32_t reversed = 0;
    for (int n = 0; n < 32; n++)
        reversed |= (number >> n & 1) << (31 - n);
    return reversed;
}
