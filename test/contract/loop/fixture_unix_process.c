/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_unix_process.c - what the Unix platform does to its process and asks
 * of it: arguments, limits, descriptors, entropy, output, errors. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "fixture_unix.h"
#include "rung/args.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

static const char *const argv_three[] = {"program", "--port=80", "x", NULL};

static struct rung_platform *process_new(void)
{
    struct rung_platform *p = rung_unix_new(3, argv_three);
    if (!p)
        _exit(99);
    return p;
}

static void test_args_leave_out_the_program(void **state)
{
    struct rung_platform *p = process_new();
    (void)state;
    assert_int_equal(rung_args_count(p), 2);
    assert_string_equal(rung_args_word(p, 0), "--port=80");
    assert_string_equal(rung_args_word(p, 1), "x");
    rung_unix_free(p);
    p = rung_unix_new(0, &argv_three[3]); /* execve() allows it */
    assert_non_null(p);
    assert_int_equal(rung_args_count(p), 0);
    rung_unix_free(p);
    rung_unix_free(NULL);
}

static int limits(void *arg)
{
    struct rlimit limit;
    (void)arg;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 32;
    setrlimit(RLIMIT_NOFILE, &limit);
    rung_unix_free(process_new());
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur == limit.rlim_max && limit.rlim_max > 32 ? 40 : 1;
}

static int descriptors(void *arg)
{
    (void)arg;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    rung_unix_free(process_new());
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return 1;
    return open("/dev/null", O_RDONLY) > 2 ? 40 : 2;
}

/* Frees the platform with a handle still open: a module's bug, which must not become a crash. */
static int left_open(void *arg)
{
    static uv_idle_t idle; /* outlives the platform, as its bug would have it */
    static struct rung_platform *volatile p; /* kept, for those who look for leaks */
    (void)arg;
    p = process_new();
    uv_idle_init(rung_unix_loop(p), &idle);
    rung_unix_free(p);
    uv_run(idle.loop, UV_RUN_NOWAIT);
    return 40;
}

static void test_process_set_up(void **state)
{
    static int (*const checks[])(void *arg) = {limits, descriptors};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(checks); i++) {
        int status = unix_in_child(checks[i], NULL);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 40);
    }
}

static void test_left_open_is_told(void **state)
{
    char text[256];
    (void)state;
    int status = unix_output_of(left_open, NULL, STDERR_FILENO, text, sizeof(text));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 40);
    assert_non_null(strstr(text, "error: unix: a module left something open"));
}

/* A kernel that refuses getrandom(): the platform must not start. */
static int without_entropy(void *arg)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = RUNG_ARRAY_LEN(code), .filter = code};
    (void)arg;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
        return 77; /* this kernel, or valgrind, has no filters */
    return rung_unix_new(3, argv_three) ? 1 : 40;
}

static void test_no_start_without_entropy(void **state)
{
    char text[256];
    (void)state;
    int status = unix_output_of(without_entropy, NULL, STDERR_FILENO, text, sizeof(text));
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: no system call can be refused here (seccomp)\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 40);
    assert_non_null(strstr(text, "error: unix: no random numbers"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static int log_lines(void *arg)
{
    struct rung_platform *p = process_new();
    rung_log_set_level(p, *(enum rung_log_level *)arg);
    rung_log(p, RUNG_LOG_ERROR, "net", "no \"%s\"", "tap0");
    rung_log(p, RUNG_LOG_INFO, "", "up");
    rung_log(p, RUNG_LOG_DEBUG, "net", "frame");
    rung_unix_free(p);
    return 40;
}

static void test_log_goes_to_standard_error(void **state)
{
    static enum rung_log_level info = RUNG_LOG_INFO, debug = RUNG_LOG_DEBUG;
    static const char stamp[] = "0000-00-00T00:00:00.000Z ";
    char text[512];
    (void)state;
    unix_output_of(log_lines, &info, STDERR_FILENO, text, sizeof(text));
    assert_string_equal(text, "error: net: no \"tap0\"\ninfo: up\n");
    unix_output_of(log_lines, &info, STDOUT_FILENO, text, sizeof(text));
    assert_string_equal(text, "");
    unix_output_of(log_lines, &debug, STDERR_FILENO, text, sizeof(text));
    for (size_t i = 0; stamp[i]; i++) /* with the time at level debug */
        assert_true(stamp[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == stamp[i]);
    assert_memory_equal(text + strlen(stamp), "error: net: ", 12);
    assert_non_null(strstr(text, "Z debug: net: frame\n"));
}

#define OUTPUT_CHUNK 10007
#define OUTPUT_CHUNKS 50

static char output_byte(size_t at)
{
    return (char)('a' + at % 23);
}

static void output_on_alarm(int signum)
{
    (void)signum;
}

/* More than a pipe holds, into a blocking and a non-blocking one, with signals that interrupt. */
static int much_output(void *arg)
{
    char chunk[OUTPUT_CHUNK];
    struct sigaction action = {.sa_handler = output_on_alarm}; /* no SA_RESTART */
    struct itimerval often = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};
    struct rung_platform *p = process_new();
    if (*(bool *)arg)
        fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (size_t n = 0; n < OUTPUT_CHUNKS; n++) {
        for (size_t i = 0; i < OUTPUT_CHUNK; i++)
            chunk[i] = output_byte(n * OUTPUT_CHUNK + i);
        rung_console_write(p, chunk, OUTPUT_CHUNK);
    }
    rung_unix_free(p);
    return 40;
}

static void test_console_writes_all(void **state)
{
    static bool nonblocking[] = {false, true};
    size_t size = OUTPUT_CHUNK * OUTPUT_CHUNKS;
    char *text = malloc(size + 2);
    (void)state;
    assert_non_null(text);
    for (size_t k = 0; k < RUNG_ARRAY_LEN(nonblocking); k++) {
        int status = unix_output_of(much_output, &nonblocking[k], STDOUT_FILENO, text, size + 2);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 40);
        assert_int_equal(strlen(text), size);
        for (size_t i = 0; i < size; i++)
            if (text[i] != output_byte(i))
                fail_msg("byte %zu is wrong", i);
    }
    free(text);
}

/* Standard output and error that nobody reads any more. */
static int output_to_nobody(void *arg)
{
    int ends[2];
    (void)arg;
    struct rung_platform *p = process_new();
    if (pipe(ends) != 0)
        return 1;
    close(ends[0]);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    rung_console_write(p, "lost\n", 5);
    rung_log(p, RUNG_LOG_ERROR, "a", "lost");
    rung_unix_free(p);
    return 40;
}

static void test_vanished_output_is_ignored(void **state)
{
    (void)state;
    int status = unix_in_child(output_to_nobody, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 40);
}

static void test_errors_are_translated(void **state)
{
    static const int uv_errors[] = {
#define UV_ERROR(name, text) UV_##name,
        UV_ERRNO_MAP(UV_ERROR)
#undef UV_ERROR
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(uv_errors); i++)
        assert_true(rung_err_from_uv(uv_errors[i]) < 0);
    for (int code = 1; code < 200; code++) {
        assert_true(rung_err_from_errno(code) < 0);
        assert_string_not_equal(rung_err_text(rung_err_from_errno(code)), "ok");
    }
    assert_int_equal(rung_err_from_errno(0), RUNG_OK);
    assert_int_equal(rung_err_from_uv(0), RUNG_OK);
    assert_int_equal(rung_err_from_uv(17), RUNG_OK);
    assert_int_equal(rung_err_from_errno(EADDRINUSE), RUNG_E_ADDRINUSE);
    assert_int_equal(rung_err_from_errno(100000), RUNG_E_UNKNOWN);
    assert_int_equal(rung_err_from_uv(UV_EOF), RUNG_E_EOF);
    assert_int_equal(rung_err_from_uv(UV_UNKNOWN), RUNG_E_UNKNOWN);
    assert_int_equal(rung_err_from_uv(UV_ECONNREFUSED), RUNG_E_REFUSED);
    assert_int_equal(rung_err_from_uv(UV_ECONNRESET), RUNG_E_RESET);
    assert_int_equal(rung_err_from_uv(UV_ECANCELED), RUNG_E_CANCELED);
    assert_int_equal(rung_err_from_uv(UV_EMFILE), RUNG_E_LIMIT);
    assert_int_equal(rung_err_from_uv(UV_EACCES), RUNG_E_ACCESS);
    assert_int_equal(rung_err_from_uv(UV_ENOSPC), RUNG_E_FULL);
}

static size_t process_mapped(void)
{
#ifdef M_MMAP_THRESHOLD
    return mallinfo2().hblks;
#else
    return 0;
#endif
}

/* A long block has a mapping of its own, and is given back, also when a longer one was freed. */
static void test_long_blocks_are_given_back(void **state)
{
    struct rung_platform *p = process_new();
    size_t before = process_mapped();
    void *block = rung_alloc(p, 8 << 20);
    (void)state;
    if (process_mapped() == before) {
        rung_free(p, block);
        rung_unix_free(p);
        print_message("skipped: this is not glibc's heap\n");
        skip();
    }
    rung_free(p, block);
    assert_int_equal(process_mapped(), before);
    block = rung_alloc(p, 2 << 20);
    assert_int_equal(process_mapped(), before + 1);
    rung_free(p, block);
    assert_int_equal(process_mapped(), before);
    rung_unix_free(p);
}

int fixture_unix_process(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args_leave_out_the_program),
        cmocka_unit_test(test_process_set_up),
        cmocka_unit_test(test_left_open_is_told),
        cmocka_unit_test(test_long_blocks_are_given_back),
        cmocka_unit_test(test_no_start_without_entropy),
        cmocka_unit_test(test_log_goes_to_standard_error),
        cmocka_unit_test(test_console_writes_all),
        cmocka_unit_test(test_vanished_output_is_ignored),
        cmocka_unit_test(test_errors_are_translated),
    };
    return cmocka_run_group_tests_name("unix: process", tests, NULL, NULL);
}
