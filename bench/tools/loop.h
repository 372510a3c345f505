// The event loop of sseload, and HTTP requests.
#pragma once
#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <vector>

#include "common.h"
#include "options.h"

using std::string;
using std::vector;

static Options options;
static int poller;
static Nanoseconds now_ = 0;
static char buffer[1 << 18];
/** The first failure, which ends the run. */
static string problem;

static void fail(const string& text) {
  if (problem.empty()) problem = text;
}

/** A socket in the event loop. `onEvents` runs when the socket is readable or writable. */
struct Polled {
  int fd = -1;
  virtual void onEvents(uint32_t events) = 0;

  void watch(uint32_t events, int operation) {
    epoll_event event{events, {.ptr = this}};
    if (epoll_ctl(poller, operation, fd, &event) < 0) die("sseload: epoll_ctl");
  }

 protected:
  ~Polled() = default;
};

/** Waits at most this long for events, and handles them. */
static void pollOnce(int milliseconds) {
  static epoll_event events[2048];
  const int count = epoll_wait(poller, events, 2048, milliseconds);
  for (int i = 0; i < count; i++) {
    now_ = now();
    static_cast<Polled*>(events[i].data.ptr)->onEvents(events[i].events);
  }
  now_ = now();
}

static void pollFor(int milliseconds) {
  const Nanoseconds end = now() + milliseconds * kMillisecond;
  while (now() < end) pollOnce(std::max<long>(1, std::min<long>(20, (end - now()) / kMillisecond)));
}

static string lowerCase(string text) {
  for (char& c : text) c = tolower(c);
  return text;
}

static string replaced(string text, const string& mark, const string& value) {
  const size_t at = text.find(mark);
  return at == string::npos ? text : text.replace(at, mark.size(), value);
}

static string request(const string& method, const string& path, const vector<string>& headers, const string* body) {
  string text = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (const string& header : headers) text += header + "\r\n";
  if (body != nullptr) text += "Content-Length: " + std::to_string(body->size()) + "\r\n";
  text += "\r\n";
  if (body != nullptr) text += *body;
  return text;
}

/** Returns whether `answer` has the whole head and body of a response. */
static bool isWhole(const string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  if (end == string::npos) return false;
  const string head = lowerCase(answer.substr(0, end));
  const string announced = "content-length:";
  const size_t length = head.find(announced);
  if (length != string::npos) {
    return answer.size() >= end + 4 + atol(head.c_str() + length + announced.size());
  }
  if (head.find("transfer-encoding: chunked") == string::npos) return true;
  return answer.size() >= 5 && answer.compare(answer.size() - 5, 5, "0\r\n\r\n") == 0;
}

static string statusLineOf(const string& answer) { return answer.substr(0, answer.find("\r\n")); }
static int statusOf(const string& answer) { return answer.size() < 12 ? 0 : atoi(answer.c_str() + 9); }

/** A POST on a connection of its own. Blocks, at most for the timeout. Fails the run unless the status is 2xx. */
static void postAndWait(const string& path, vector<string> headers, const string& body) {
  const int fd = connectTo(options.port, true);
  const timeval timeout{options.timeout, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  headers.push_back("Connection: close");
  const string text = request("POST", path, headers, &body);
  string answer;
  if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0) {
    char part[4096];
    for (ssize_t length; !isWhole(answer) && (length = recv(fd, part, sizeof part, 0)) > 0;) {
      answer.append(part, length);
    }
  }
  close(fd);
  if (!isWhole(answer)) fail("did not answer POST " + path);
  else if (statusOf(answer) / 100 != 2) fail("refused POST " + path + ": " + statusLineOf(answer));
}
