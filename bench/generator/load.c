/*
 * The load generator: prepared requests over keep-alive connections, one in flight on each.
 *
 *     load HOST PORT CONNECTIONS WARM_UP_MS DURATION_MS once|cycle < requests
 *
 * Requests arrive on standard input, each as a line "<bytes> <h>\n" (h is 1 for HEAD) and the bytes.
 * `cycle` sends them over and over, every connection beginning at another; `once` sends each a
 * single time and ends when they are used up or the time is over.
 *
 * Prints the line "began" when measuring begins, and at the end one JSON object: what was answered with
 * 2xx within the measured time, latencies, and CPU time of this process. In C, because on two cores a load generator that
 * costs as much as the server halves every difference it is meant to show.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE_BYTES = 1 << 20, HEAD_BYTES_MAX = 32768, EVENTS_MAX = 256 };
/* Latencies are counted in buckets of a microsecond up to a second, and of a millisecond above. */
enum { FINE_BUCKETS = 1000000, COARSE_BUCKETS = 120000 };

typedef struct {
  const char *bytes;
  size_t size;
  int is_head;
} request_t;

typedef struct {
  int fd;
  size_t next;      /* the request to send after this one */
  request_t *request;
  size_t sent;
  uint64_t started_us;
  char head[HEAD_BYTES_MAX];
  size_t head_size;
  int status;       /* 0: the head is not complete yet */
  int64_t missing;  /* bytes of the body still to come; -1: chunked, until its last chunk */
  char tail[5];     /* last bytes of a chunked body */
  int is_waiting_to_write;
} connection_t;

static request_t *requests;
static size_t request_count;
static size_t used_count; /* of `once` */
static int is_once;
static struct sockaddr_in address;
static int epoll_fd;
static char receive_buffer[RECEIVE_BYTES];
static uint32_t fine[FINE_BUCKETS];
static uint32_t coarse[COARSE_BUCKETS];
static int is_measuring;
static uint64_t done_count, error_count, moved_bytes, open_count;
static int first_error_status;

static uint64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_requests(void) {
  size_t capacity = 1 << 20, size = 0;
  char *input = malloc(capacity);
  for (;;) {
    size_t got = fread(input + size, 1, capacity - size, stdin);
    if (got == 0) break;
    size += got;
    if (size == capacity) input = realloc(input, capacity *= 2);
    if (input == NULL) fail("memory");
  }
  size_t slots = 1024;
  requests = malloc(slots * sizeof *requests);
  for (size_t at = 0; at < size;) {
    char *end;
    unsigned long bytes = strtoul(input + at, &end, 10);
    int is_head = (int)strtol(end, &end, 10);
    at = (size_t)(end - input) + 1;
    if (at + bytes > size) {
      fprintf(stderr, "a request is cut short\n");
      exit(1);
    }
    if (request_count == slots) requests = realloc(requests, (slots *= 2) * sizeof *requests);
    requests[request_count++] = (request_t){input + at, bytes, is_head};
    at += bytes;
  }
  if (request_count == 0) {
    fprintf(stderr, "there are no requests\n");
    exit(1);
  }
}

static void watch(connection_t *connection, int is_writing, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (is_writing ? EPOLLOUT : 0), .data.ptr = connection};
  if (epoll_ctl(epoll_fd, operation, connection->fd, &event) != 0) fail("epoll_ctl");
  connection->is_waiting_to_write = is_writing;
}

static void connect_again(connection_t *connection) {
  int yes = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connection->fd < 0) fail("socket");
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  watch(connection, 0, EPOLL_CTL_ADD);
}

/* Sends as much of the request as the socket takes. Returns 0 when the connection broke. */
static int push(connection_t *connection) {
  request_t *request = connection->request;
  while (connection->sent < request->size) {
    ssize_t sent = send(connection->fd, request->bytes + connection->sent,
                        request->size - connection->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      if (!connection->is_waiting_to_write) watch(connection, 1, EPOLL_CTL_MOD);
      return 1;
    }
    if (sent < 0) return 0;
    connection->sent += (size_t)sent;
  }
  if (connection->is_waiting_to_write) watch(connection, 0, EPOLL_CTL_MOD);
  return 1;
}

static void give_up(connection_t *connection);

/* Begins the next request, or closes the connection when there is none. */
static void begin(connection_t *connection) {
  if (is_once) {
    if (used_count == request_count) {
      close(connection->fd);
      connection->fd = -1;
      open_count -= 1;
      return;
    }
    connection->request = &requests[used_count++];
  } else {
    connection->request = &requests[connection->next++ % request_count];
  }
  connection->sent = 0;
  connection->head_size = 0;
  connection->status = 0;
  connection->started_us = now_us();
  if (!push(connection)) give_up(connection);
}

static void give_up(connection_t *connection) {
  if (is_measuring) error_count += 1;
  close(connection->fd);
  connect_again(connection);
  begin(connection);
}

static void finish(connection_t *connection, size_t body_bytes) {
  if (is_measuring) {
    if (connection->status >= 200 && connection->status < 300) {
      uint64_t elapsed = now_us() - connection->started_us;
      if (elapsed < FINE_BUCKETS) fine[elapsed] += 1;
      else coarse[elapsed / 1000 < COARSE_BUCKETS ? elapsed / 1000 : COARSE_BUCKETS - 1] += 1;
      done_count += 1;
      moved_bytes += connection->request->size + body_bytes;
    } else {
      if (first_error_status == 0) first_error_status = connection->status;
      error_count += 1;
    }
  }
  begin(connection);
}

static int64_t body_length(connection_t *connection) {
  connection->head[connection->head_size] = 0;
  if (connection->request->is_head || connection->status == 204 || connection->status == 304) return 0;
  char *length = strcasestr(connection->head, "\r\ncontent-length:");
  if (length != NULL) return strtoll(length + 17, NULL, 10);
  return strcasestr(connection->head, "\r\ntransfer-encoding: chunked") != NULL ? -1 : 0;
}

static int is_chunked_end(connection_t *connection, const char *bytes, size_t size) {
  for (size_t at = size > 5 ? size - 5 : 0; at < size; at += 1) {
    memmove(connection->tail, connection->tail + 1, 4);
    connection->tail[4] = bytes[at];
  }
  return memcmp(connection->tail, "0\r\n\r\n", 5) == 0;
}

/* Takes bytes of an answer; one request is in flight, so nothing follows its end. */
static void take(connection_t *connection, const char *bytes, size_t size) {
  size_t at = 0;
  if (connection->status == 0) {
    while (at < size && connection->status == 0) {
      if (connection->head_size == HEAD_BYTES_MAX - 1) {
        give_up(connection);
        return;
      }
      connection->head[connection->head_size++] = bytes[at++];
      size_t end = connection->head_size;
      if (end >= 16 && memcmp(connection->head + end - 4, "\r\n\r\n", 4) == 0) {
        connection->status = atoi(connection->head + 9);
        if (connection->status == 100) {
          connection->status = 0;
          connection->head_size = 0;
          continue;
        }
        connection->missing = body_length(connection);
        memset(connection->tail, 0, 5);
      }
    }
    if (connection->status == 0) return;
  }
  size_t rest = size - at;
  if (connection->missing < 0) {
    if (is_chunked_end(connection, bytes + at, rest)) finish(connection, rest);
    return;
  }
  connection->missing -= (int64_t)rest;
  if (is_measuring) moved_bytes += rest;
  if (connection->missing <= 0) finish(connection, 0);
}

static void drain(connection_t *connection) {
  ssize_t got = recv(connection->fd, receive_buffer, RECEIVE_BYTES, 0);
  if (got > 0) take(connection, receive_buffer, (size_t)got);
  else if (got == 0 || errno != EAGAIN) give_up(connection);
}

static double percentile_ms(double share) {
  uint64_t wanted = (uint64_t)((double)done_count * share), seen = 0;
  for (size_t at = 0; at < FINE_BUCKETS; at += 1)
    if ((seen += fine[at]) > wanted) return (double)at / 1000;
  for (size_t at = 0; at < COARSE_BUCKETS; at += 1)
    if ((seen += coarse[at]) > wanted) return (double)at;
  return 0;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 7) {
    fprintf(stderr, "load HOST PORT CONNECTIONS WARM_UP_MS DURATION_MS once|cycle\n");
    return 2;
  }
  size_t connection_count = strtoul(arguments[3], NULL, 10);
  uint64_t warm_up_us = strtoull(arguments[4], NULL, 10) * 1000;
  uint64_t duration_us = strtoull(arguments[5], NULL, 10) * 1000;
  is_once = strcmp(arguments[6], "once") == 0;
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(arguments[2]));
  if (inet_pton(AF_INET, arguments[1], &address.sin_addr) != 1) fail("address");
  read_requests();

  epoll_fd = epoll_create1(0);
  connection_t *connections = calloc(connection_count, sizeof *connections);
  for (size_t at = 0; at < connection_count; at += 1) {
    connections[at].next = at * request_count / connection_count;
    connect_again(&connections[at]);
  }
  open_count = connection_count;
  uint64_t measure_at = now_us() + warm_up_us, started_us = 0, end_at = measure_at + duration_us;
  uint64_t cpu_before = 0;
  for (size_t at = 0; at < connection_count; at += 1) begin(&connections[at]);

  struct epoll_event events[EVENTS_MAX];
  while (open_count > 0) {
    uint64_t now = now_us();
    if (!is_measuring && now >= measure_at) {
      is_measuring = 1;
      started_us = now;
      puts("began");
      fflush(stdout);
      cpu_before = cpu_us();
    }
    if (now >= end_at) break;
    int count = epoll_wait(epoll_fd, events, EVENTS_MAX, 100);
    for (int at = 0; at < count; at += 1) {
      connection_t *connection = events[at].data.ptr;
      if (connection->fd < 0) continue;
      if ((events[at].events & EPOLLOUT) && !push(connection)) give_up(connection);
      else if (events[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) drain(connection);
    }
  }
  uint64_t elapsed_us = now_us() - started_us;
  printf("{\"count\":%lu,\"errorCount\":%lu,\"firstErrorStatus\":%d,\"movedBytes\":%lu,"
         "\"elapsedMs\":%.3f,\"cpuUs\":%lu,"
         "\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f}\n",
         done_count, error_count, first_error_status, moved_bytes, (double)elapsed_us / 1000,
         cpu_us() - cpu_before, percentile_ms(0.5), percentile_ms(0.99),
         percentile_ms(0.999));
  return 0;
}
