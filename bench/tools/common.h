// Shared by the benchmark tools: time, fatal errors and sockets.
#pragma once
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using Nanoseconds = uint64_t;

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kSecond = 1'000'000'000;

inline Nanoseconds now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

[[noreturn]] inline void die(const std::string& message) {
  fprintf(stderr, "%s (%s)\n", message.c_str(), strerror(errno));
  exit(2);
}

/** Raises the limit of open files to the maximum that the system allows. */
inline void raiseFileLimit() {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/**
 * Opens a socket to a port of this machine. A blocking socket is connected on return; another one is still connecting.
 *
 * @param source Last number of the source address, 127.0.0.x. One address has only about 28,000 ports.
 */
inline int connectTo(int port, bool isBlocking, int source = 1) {
  const int fd = socket(AF_INET, SOCK_STREAM | (isBlocking ? 0 : SOCK_NONBLOCK), 0);
  if (fd < 0) die("socket");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (source != 1) {
    // The kernel then chooses the port in connect() and not in bind(), so each source address can use all of its ports.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source - 1);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("bind");
  }
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 && errno != EINPROGRESS) {
    die("connect");
  }
  return fd;
}
