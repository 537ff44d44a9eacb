/* The UDP load: sends datagrams as fast as the socket takes them, or counts what arrives.
   usage: blast send ADDRESS PORT BYTES SECONDS   prints the datagrams sent
          blast count PORT SECONDS                prints the datagrams that arrived between the first
                                                  and the end, and the time from one to the other */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, LARGEST = 65536 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static char bytes[LARGEST];

int main(int argc, char **argv) {
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  memset(messages, 0, sizeof messages);
  struct sockaddr_in address = {.sin_family = AF_INET};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  long total = 0;
  int counting = argc == 4 && !strcmp(argv[1], "count");
  if (!counting && (argc != 6 || strcmp(argv[1], "send"))) return 2;
  for (int i = 0; i < BATCH; i++) {
    vectors[i].iov_base = bytes;
    vectors[i].iov_len = counting ? LARGEST : (size_t)atoi(argv[4]);
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  if (counting) {
    int space = 8 << 20;
    struct timeval step = {0, 50000};
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof space);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof step);
    address.sin_port = htons(atoi(argv[2]));
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return perror("bind"), 1;
    puts("ready");
    fflush(stdout);
    double first = 0, last = 0, give_up = now() + 10 + atof(argv[3]);
    for (double t = now(); t < give_up && (!first || t < first + atof(argv[3])); t = now()) {
      int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
      if (got <= 0) continue;
      last = now();
      if (!first) first = last;
      total += got;
    }
    printf("%ld %f\n", total, last - first);
    return 0;
  }
  address.sin_port = htons(atoi(argv[3]));
  if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) return 2;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return perror("connect"), 1;
  for (double end = now() + atof(argv[5]); now() < end;) {
    int sent = sendmmsg(fd, messages, BATCH, 0);
    if (sent > 0) total += sent;
  }
  printf("%ld\n", total);
}
