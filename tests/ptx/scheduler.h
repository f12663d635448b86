/* Blocks one after another, warps and their lanes in orders by chance, barriers and votes. */

static uint32_t draw(uint64_t *state, uint32_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % n;
}

static void shuffle(uint32_t *numbers, uint32_t n, uint64_t *state)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = draw(state, i + 1);
        numbers[i] = numbers[j];
        numbers[j] = i;
    }
}

/* Threads in the order in which they run, those of a warp together. */
static uint32_t order[MOST_THREADS];

static void draw_order(uint32_t n_threads, uint64_t *state)
{
    uint32_t warps[MOST_THREADS / WARP], lanes[WARP], n = 0;
    uint32_t n_warps = (n_threads + WARP - 1) / WARP;
    shuffle(warps, n_warps, state);
    shuffle(lanes, WARP, state);
    for (uint32_t i = 0; i < n_warps * WARP; i++) {
        uint32_t thread = warps[i / WARP] * WARP + lanes[i % WARP];
        if (thread < n_threads)
            order[n++] = thread;
    }
}

static void run_one_after_another(void)
{
    Thread *first = now;
    for (uint32_t n = 0; n < first->n_threads; n++) {
        now = &threads[order[n]];
        run_thread();
        now->state = DONE;
    }
}

static void run_until_it_ends(void)
{
    run_thread();
    now->state = DONE;
}

static void make_ready(Thread *thread, void (*work)(void), char *stack)
{
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = stack;
    thread->context.uc_stack.ss_size = STACK_BYTES;
    thread->context.uc_link = &scheduler;
    makecontext(&thread->context, work, 0);
}

static void go_on(Thread *thread)
{
    now = thread;
    swapcontext(&scheduler, &thread->context);
}

static uint32_t count(const Thread *first, uint32_t n, enum State state)
{
    uint32_t counted = 0;
    for (uint32_t i = 0; i < n; i++)
        counted += first[i].state == state;
    return counted;
}

static int all_wait(const Thread *first, uint32_t n, enum State state)
{
    for (uint32_t i = 0; i < n; i++)
        if (first[i].state != state || first[i].site != first[0].site)
            return 0;
    return 1;
}

static void release(Thread *first, uint32_t n)
{
    uint32_t votes = 0;
    for (uint32_t i = 0; i < n; i++)
        votes |= (uint32_t)(first[i].vote != 0) << i % WARP;
    for (uint32_t i = 0; i < n; i++) {
        first[i].state = READY;
        first[i].votes = votes;
    }
}

/* Run the threads of a warp, past all their votes, until they wait for other warps or have ended. */
static void run_warp(Thread *first, const uint32_t *its_order, uint32_t n)
{
    for (;;) {
        for (uint32_t i = 0; i < n && !error[0]; i++)
            if (threads[its_order[i]].state == READY)
                go_on(&threads[its_order[i]]);
        if (error[0] || n < WARP || !all_wait(first, WARP, VOTE))
            return;
        release(first, n);
    }
}

static void run_warps(uint32_t n_threads)
{
    for (uint32_t n = 0, end; n < n_threads && !error[0]; n = end) {
        for (end = n; end < n_threads && order[end] / WARP == order[n] / WARP; end++)
            ;
        run_warp(&threads[order[n] / WARP * WARP], &order[n], end - n);
    }
}

/* A block ends when all its threads have: a barrier for those that are left is an error here, and
   not on a card. */
static void run_block(uint32_t block, uint32_t n_blocks, uint32_t n_threads, char *stacks,
                      uint64_t *state)
{
    /* Whoever reads what nobody has written reads no number. */
    for (const Array *array = shared_table; array->first; array++)
        memset(array->first, 0xff, array->n_bytes);
    for (uint32_t n = 0; n < n_threads; n++) {
        Thread *thread = &threads[n];
        thread->thread = n;
        thread->n_threads = n_threads;
        thread->block = block;
        thread->n_blocks = n_blocks;
        thread->state = READY;
        if (WAITS)
            make_ready(thread, run_until_it_ends, stacks + (size_t)n * STACK_BYTES);
    }
    draw_order(n_threads, state);
    if (!WAITS) {
        make_ready(threads, run_one_after_another, stacks);
        go_on(threads);
        return;
    }
    run_warps(n_threads);
    while (!error[0] && all_wait(threads, n_threads, BARRIER)) {
        release(threads, n_threads);
        draw_order(n_threads, state);
        run_warps(n_threads);
    }
    if (error[0] || count(threads, n_threads, DONE) == n_threads)
        return;
    snprintf(error, sizeof error,
             "block %u: threads wait for others that do not come: %u at barriers, %u vote, %u ended",
             block, count(threads, n_threads, BARRIER), count(threads, n_threads, VOTE),
             count(threads, n_threads, DONE));
}

/* Run a kernel, and return what went wrong, or nothing. Each thread has a stack of STACK_BYTES. The
   state is that of chance. */
const char *run(uint32_t n_blocks, uint32_t n_threads, uint64_t *numbers, const Array *arrays,
                char *stacks, uint64_t *state)
{
    error[0] = 0;
    arguments = numbers;
    given_arrays = arrays;
    if (n_threads == 0 || n_threads > MOST_THREADS)
        return "a block of no threads, or of more than it can have";
    uint32_t *blocks = malloc(n_blocks * sizeof *blocks);
    shuffle(blocks, n_blocks, state);
    for (uint32_t n = 0; n < n_blocks && !error[0]; n++)
        run_block(blocks[n], n_blocks, n_threads, stacks, state);
    free(blocks);
    return error[0] ? error : NULL;
}
