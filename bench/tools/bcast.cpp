// bcast: the floor of the comparison. A single-threaded broadcaster of Server-Sent Events that does as little as
// possible: it sends every POSTed body to every stream, and all frames of one iteration of the event loop in one send
// for each stream. If the send buffer of a client is full, the client loses frames. bcast is a measure, not a service.
//
//   g++ -O2 -std=c++17 -o bcast bcast.cpp
//   ./bcast 8090
#include <signal.h>
#include <sys/epoll.h>

#include <memory>
#include <vector>

#include "common.h"

using std::string;
using std::vector;

namespace {

struct Connection {
  string received;
  /** Index in `streams`, or -1 if this connection is not a stream. */
  int stream = -1;
};

const char kStreamHead[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";
const char kAccepted[] = "HTTP/1.1 204 No Content\r\n\r\n";

int poller;
vector<std::unique_ptr<Connection>> connections;
/** Sockets of the open streams. */
vector<int> streams;
/** Frames of the messages that were POSTed in this iteration of the event loop. */
string frames;
unsigned long messages = 0;

void put(int fd, const char* bytes, size_t length) { (void)!send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT); }

void flush() {
  if (frames.empty()) return;
  char size[20];
  snprintf(size, sizeof size, "%zx\r\n", frames.size());
  const string chunk = size + frames + "\r\n";
  frames.clear();
  for (const int fd : streams) put(fd, chunk.data(), chunk.size());
}

void drop(int fd) {
  if (const int stream = connections[fd]->stream; stream >= 0) {
    const int last = streams.back();
    streams[stream] = last;
    connections[last]->stream = stream;
    streams.pop_back();
  }
  connections[fd].reset();
  close(fd);
}

void acceptAll(int listener) {
  const int one = 1;
  for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fd >= static_cast<int>(connections.size())) connections.resize(2 * fd);
    connections[fd] = std::make_unique<Connection>();
    epoll_event event{EPOLLIN, {.fd = fd}};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

void openStream(int fd, Connection& connection) {
  put(fd, kStreamHead, sizeof kStreamHead - 1);
  connection.stream = streams.size();
  streams.push_back(fd);
  string().swap(connection.received);
}

/** Handles the first received request. Returns false if the request is incomplete or opened a stream. */
bool serve(int fd, Connection& connection) {
  string& received = connection.received;
  const size_t end = received.find("\r\n\r\n");
  if (end == string::npos) return false;
  if (received.compare(0, 4, "GET ") == 0) {
    openStream(fd, connection);
    return false;
  }
  const string announced = "Content-Length: ";
  const size_t at = received.find(announced);
  const size_t length = at < end ? atol(received.c_str() + at + announced.size()) : 0;
  const size_t body = end + 4;
  if (received.size() < body + length) return false;
  frames += "event: msg\nid: " + std::to_string(++messages) + "\ndata: " + received.substr(body, length) + "\n\n";
  received.erase(0, body + length);
  put(fd, kAccepted, sizeof kAccepted - 1);
  return true;
}

void receive(int fd) {
  static char buffer[1 << 16];
  if (connections[fd] == nullptr) return;
  const ssize_t length = recv(fd, buffer, sizeof buffer, 0);
  if (length <= 0) return drop(fd);
  Connection& connection = *connections[fd];
  connection.received.append(buffer, length);
  while (serve(fd, connection)) continue;
}

int listenAt(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || listen(fd, 4096) < 0) die("bcast: listen");
  return fd;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) die("usage: bcast PORT");
  signal(SIGPIPE, SIG_IGN);
  raiseFileLimit();
  connections.resize(1024);
  poller = epoll_create1(0);
  const int listener = listenAt(atoi(words[1]));
  epoll_event event{EPOLLIN, {.fd = listener}};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  static epoll_event events[1024];
  for (;;) {
    const int ready = epoll_wait(poller, events, 1024, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) acceptAll(listener);
      else receive(events[i].data.fd);
    }
    flush();
  }
}
