/* Round-trip times of UDP datagrams, one at a time.
   usage: pingpong pong PORT              echoes, forever
          pingpong ping ADDRESS PORT N    prints the median and the 99th percentile in nanoseconds, and
                                          how many of N were lost */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  char bytes[64] = {0};
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (argc == 3 && !strcmp(argv[1], "pong")) {
    address.sin_port = htons(atoi(argv[2]));
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return perror("bind"), 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
      ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&address, &size);
      if (got >= 0) sendto(fd, bytes, got, 0, (struct sockaddr *)&address, size);
    }
  }
  if (argc != 5 || strcmp(argv[1], "ping")) return 2;
  struct timeval patience = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  address.sin_port = htons(atoi(argv[3]));
  if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) return 2;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return perror("connect"), 1;
  int rounds = atoi(argv[4]), lost = 0, done = 0;
  long *times = calloc(rounds + 1, sizeof *times);
  for (int i = 0; i < rounds && lost < 5; i++) {
    long start = now();
    *(int *)bytes = i;
    send(fd, bytes, sizeof bytes, 0);
    /* An echo that was given up on may still come. */
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0 && *(int *)bytes != i) continue;
    if (got > 0) times[done++] = now() - start;
    else lost++;
  }
  qsort(times, done, sizeof *times, ascending);
  printf("%ld %ld %d\n", times[done / 2], times[done * 99 / 100], lost);
}
