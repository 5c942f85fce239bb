/*
 * Lets calls on files fail: loaded into a server with LD_PRELOAD by disk-faults.ts.
 *
 * The control file is mapped by every process and thread, so calls are counted over all of them.
 * Its layout is `struct control`; disk-faults.ts writes the same bytes.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, LINK = 8, READ = 16, REMOVE = 32, HEAD = 64 };

/* The first two pages of a file; of an index, those that name its root. */
#define AT(at) ((at) < 8192 ? WRITE | HEAD : WRITE)

struct control {
  uint32_t armed;
  uint32_t calls;    /* a sum of the numbers above */
  uint32_t error;    /* the errno */
  uint32_t sticky;   /* the Nth call and all later ones, or it alone */
  uint64_t nth;      /* counted from 1 */
  uint64_t count;    /* calls that matched since it was armed */
  uint64_t injected; /* of these, how many failed */
  char pattern[256]; /* part of the path */
};

static struct control *control;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("S3ISH_FAULT_CONTROL");
  if (path == NULL) return;
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (file < 0) return;
  void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  syscall(SYS_close, file);
  if (map != MAP_FAILED) control = map;
}

/* Whether this call is one that shall fail; errno is set then. */
static int fails(uint32_t call, const char *path) {
  if (strstr(path, control->pattern) == NULL) return 0;
  uint64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
  if (control->sticky ? number < control->nth : number != control->nth) return 0;
  __atomic_add_fetch(&control->injected, 1, __ATOMIC_SEQ_CST);
  errno = (int)control->error;
  return 1;
}

static int is_watched(uint32_t call) {
  return control != NULL && __atomic_load_n(&control->armed, __ATOMIC_SEQ_CST) &&
         (control->calls & call) != 0;
}

static int path_fails(uint32_t call, const char *path) {
  return is_watched(call) && path != NULL && fails(call, path);
}

static int file_fails(uint32_t call, int file) {
  char link[64], path[4096];
  if (!is_watched(call)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENING(name)                                                     \
  int name(const char *path, int flags, ...) {                            \
    static int (*real)(const char *, int, ...);                           \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                         \
    if (path_fails(OPEN, path)) return -1;                                \
    if (real == NULL) real = REAL(name);                                  \
    return real(path, flags, mode);                                       \
  }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name)                                                  \
  int name(int directory, const char *path, int flags, ...) {             \
    static int (*real)(int, const char *, int, ...);                      \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                         \
    if (path_fails(OPEN, path)) return -1;                                \
    if (real == NULL) real = REAL(name);                                  \
    return real(directory, path, flags, mode);                            \
  }
OPENING_AT(openat)
OPENING_AT(openat64)

#define ON_FILE(call, result, name, parameters, arguments)                \
  result name parameters {                                                \
    static result(*real) parameters;                                      \
    if (file_fails(call, file)) return -1;                                \
    if (real == NULL) real = (__typeof__(real))dlsym(RTLD_NEXT, #name);   \
    return real arguments;                                                \
  }

#define ON_PATH(call, name, parameters, arguments)                        \
  int name parameters {                                                   \
    static int(*real) parameters;                                         \
    if (path_fails(call, path)) return -1;                                \
    if (real == NULL) real = (__typeof__(real))dlsym(RTLD_NEXT, #name);   \
    return real arguments;                                                \
  }

ON_FILE(WRITE, ssize_t, write, (int file, const void *bytes, size_t size), (file, bytes, size))
ON_FILE(AT(at), ssize_t, pwrite, (int file, const void *bytes, size_t size, off_t at),
        (file, bytes, size, at))
ON_FILE(AT(at), ssize_t, pwrite64, (int file, const void *bytes, size_t size, off64_t at),
        (file, bytes, size, at))
ON_FILE(WRITE, ssize_t, writev, (int file, const struct iovec *pieces, int count),
        (file, pieces, count))
ON_FILE(WRITE, ssize_t, pwritev, (int file, const struct iovec *pieces, int count, off_t at),
        (file, pieces, count, at))
ON_FILE(WRITE, ssize_t, pwritev64, (int file, const struct iovec *pieces, int count, off64_t at),
        (file, pieces, count, at))
ON_FILE(WRITE, int, ftruncate, (int file, off_t size), (file, size))
ON_FILE(WRITE, int, ftruncate64, (int file, off64_t size), (file, size))

ON_FILE(READ, ssize_t, read, (int file, void *bytes, size_t size), (file, bytes, size))
ON_FILE(READ, ssize_t, pread, (int file, void *bytes, size_t size, off_t at),
        (file, bytes, size, at))
ON_FILE(READ, ssize_t, pread64, (int file, void *bytes, size_t size, off64_t at),
        (file, bytes, size, at))
ON_FILE(READ, ssize_t, preadv, (int file, const struct iovec *pieces, int count, off_t at),
        (file, pieces, count, at))
ON_FILE(READ, ssize_t, preadv64, (int file, const struct iovec *pieces, int count, off64_t at),
        (file, pieces, count, at))

ON_FILE(SYNC, int, fsync, (int file), (file))
ON_FILE(SYNC, int, fdatasync, (int file), (file))

ON_PATH(LINK, mkdir, (const char *path, mode_t mode), (path, mode))
ON_PATH(LINK, link, (const char *from, const char *path), (from, path))
ON_PATH(LINK, symlink, (const char *target, const char *path), (target, path))
ON_PATH(LINK, rename, (const char *from, const char *path), (from, path))
ON_PATH(REMOVE, unlink, (const char *path), (path))
ON_PATH(REMOVE, rmdir, (const char *path), (path))
