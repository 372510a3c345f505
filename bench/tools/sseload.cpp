// sseload: many clients and publishers of one service of Server-Sent Events. sseload opens the streams, publishes by
// POST, counts each delivery by a stamp in its data, and prints one line of JSON: the CPU time and memory of the
// server, and the latency of deliveries.
//
//   g++ -O2 -std=c++17 -o sseload sseload.cpp
//   ./sseload --port 8090 --pids 1234 --clients 1000 --messages 1000
//
// sseload uses one thread and epoll, so that the load generator is not the bottleneck.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <vector>

#include "common.h"
#include "stamps.h"
#include "options.h"
#include "usage.h"

using std::string;
using std::vector;

static Options options;
static int poller;
static Nanoseconds now_ = 0;
static char buffer[1 << 18];

static string request(const string& method, const string& path, const vector<string>& headers, const string* body) {
  string text = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (const string& header : headers) text += header + "\r\n";
  if (body != nullptr) text += "Content-Length: " + std::to_string(body->size()) + "\r\n";
  text += "\r\n";
  if (body != nullptr) text += *body;
  return text;
}

static string lowerCase(string text) {
  for (char& c : text) c = tolower(c);
  return text;
}

/** A socket in the event loop. `onEvents` runs when the socket is readable or writable. */
struct Polled {
  int fd = -1;
  virtual void onEvents(uint32_t events) = 0;

  void watch(uint32_t events, int operation) {
    epoll_event event{events, {.ptr = this}};
    if (epoll_ctl(poller, operation, fd, &event) < 0) die("epoll_ctl");
  }

 protected:
  ~Polled() = default;
};

// ---- Deliveries

/** Counts the deliveries of the messages of one run. */
struct Deliveries {
  vector<uint32_t> ofMessage;
  vector<float> microseconds;
  uint64_t count = 0;
  /** Number of clients that receive each message. A message is complete once all of them have received it. */
  uint32_t clients = 0;
  /** Messages that became complete since the last poll. */
  vector<uint32_t> complete;
  int completeCount = 0;

  void begin(int messages, int toClients) {
    ofMessage.assign(messages, 0);
    microseconds.clear();
    microseconds.reserve(size_t(messages) * toClients);
    count = completeCount = 0;
    clients = toClients;
    complete.clear();
  }

  void add(const Stamp& stamp) {
    // A late delivery from the warm-up.
    if (stamp.message >= ofMessage.size()) return;
    count += 1;
    microseconds.push_back((now_ - stamp.sentAt) / 1e3f);
    ofMessage[stamp.message] += 1;
    if (ofMessage[stamp.message] < clients) return;
    completeCount += 1;
    complete.push_back(stamp.message);
  }

  double percentile(double part) {
    if (microseconds.empty()) return 0;
    const size_t index = std::min(microseconds.size() - 1, size_t(part * microseconds.size()));
    std::nth_element(microseconds.begin(), microseconds.begin() + index, microseconds.end());
    return microseconds[index];
  }
};

static Deliveries deliveries;

// ---- Subscribers

/** Clients of one source address. Below the number of ports that an address has for outgoing connections. */
constexpr int kClientsOfAddress = 20'000;

/** The request that opens the stream of a client. */
static string streamRequest(int number) {
  string path = options.path;
  const size_t at = path.find("%N");
  if (at != string::npos) path.replace(at, 2, std::to_string(number % options.keys));
  return request("GET", path, {"Accept: text/event-stream"}, nullptr);
}

static int readyCount = 0;
static int deadCount = 0;

class Subscriber final : public Polled {
 public:
  void open(int number) {
    number_ = number;
    const int source = 1 + number / kClientsOfAddress;
    fd = connectTo(options.port, false, source);
    watch(EPOLLOUT, EPOLL_CTL_ADD);
  }

  void onEvents(uint32_t events) override {
    if (state_ == State::connecting) return ask(events);
    const ssize_t length = recv(fd, buffer, sizeof buffer, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) return die();
    const char* at = buffer;
    if (state_ == State::head) at = readHead(buffer, length);
    if (at == nullptr) return;
    const auto onStamp = [](const Stamp& stamp) { deliveries.add(stamp); };
    const auto onData = [&](const char* from, const char* to) { scanner_.scan(from, to, onStamp); };
    if (isChunked_) decoder_.decode(at, buffer + length, onData);
    else onData(at, buffer + length);
  }

  /** Resets the connection. After an orderly close, its port would stay in TIME_WAIT for a minute. */
  void close() {
    if (fd < 0) return;
    const linger reset{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(fd);
    fd = -1;
  }

 private:
  enum class State { connecting, head, body };

  void ask(uint32_t events) {
    const string text = streamRequest(number_);
    const ssize_t length = text.size();
    const bool hasFailed = (events & (EPOLLERR | EPOLLHUP)) != 0;
    if (hasFailed || send(fd, text.data(), length, MSG_NOSIGNAL) != length) return die();
    state_ = State::head;
    watch(EPOLLIN, EPOLL_CTL_MOD);
  }

  /** Returns the start of the body, or null if the head is incomplete. */
  const char* readHead(const char* bytes, size_t length) {
    const size_t before = head_.size();
    head_.append(bytes, length);
    const size_t end = head_.find("\r\n\r\n");
    if (end == string::npos) return nullptr;
    const string head = lowerCase(head_.substr(0, end));
    string().swap(head_);
    if (head.compare(0, 12, "http/1.1 200") != 0) {
      fprintf(stderr, "sseload: the server refused a stream: %s\n", head.c_str());
      die();
      return nullptr;
    }
    isChunked_ = head.find("transfer-encoding: chunked") != string::npos;
    state_ = State::body;
    readyCount += 1;
    return bytes + end + 4 - before;
  }

  void die() {
    close();
    deadCount += 1;
  }

  int number_ = 0;
  State state_ = State::connecting;
  bool isChunked_ = false;
  string head_;
  ChunkDecoder decoder_;
  StampScanner scanner_;
};

// ---- Publishers

static int answerCount = 0;
static int refusedCount = 0;

/** Returns a JSON message of `options.size` bytes that contains the stamp. */
static string messageOf(uint32_t number, Nanoseconds sentAt) {
  char stamp[kStampDigits + 3];
  snprintf(stamp, sizeof stamp, "@@%08x%016llx", number, static_cast<unsigned long long>(sentAt));
  string text = string("{\"m\":\"") + stamp + "\",\"user\":\"u42\",\"text\":\"";
  const int padding = options.size - static_cast<int>(text.size()) - 2;
  for (int i = 0; i < padding; i++) text += "abcdefghijklmnopqrstuvwxyz0123456789 -"[(i * 7 + number) % 38];
  return text + "\"}";
}

/** One connection that publishes messages one after another. */
class Publisher final : public Polled {
 public:
  uint32_t message = 0;
  bool isAnswered = true;
  bool isComplete = true;

  void open() {
    if (fd >= 0) close(fd);
    fd = connectTo(options.port, true);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(EPOLLIN, EPOLL_CTL_ADD);
  }

  void publish(uint32_t number) {
    message = number;
    isAnswered = isComplete = false;
    answer_.clear();
    string body = options.body;
    body.replace(body.find("%D"), 2, messageOf(number, now()));
    const string text = request("POST", options.publishPath, options.publishHeaders, &body);
    const ssize_t length = text.size();
    if (send(fd, text.data(), length, MSG_NOSIGNAL) != length) die("sseload: could not send a message");
  }

  void onEvents(uint32_t) override {
    const ssize_t length = recv(fd, buffer, sizeof buffer, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
      if (!isAnswered) die("sseload: the server closed the connection before it answered a message");
      return open();
    }
    answer_.append(buffer, length);
    if (!isWhole()) return;
    isAnswered = true;
    answerCount += 1;
    if (atoi(answer_.c_str() + 9) >= 300 && refusedCount++ == 0) {
      fprintf(stderr, "sseload: the server refused a message: %s\n", answer_.c_str());
    }
    if (lowerCase(answer_).find("\r\nconnection: close") != string::npos) open();
  }

 private:
  bool isWhole() const {
    const size_t end = answer_.find("\r\n\r\n");
    if (end == string::npos) return false;
    const string head = lowerCase(answer_.substr(0, end));
    const string announced = "content-length:";
    const size_t length = head.find(announced);
    if (length != string::npos) {
      return answer_.size() >= end + 4 + atol(head.c_str() + length + announced.size());
    }
    if (head.find("transfer-encoding: chunked") == string::npos) return true;
    return answer_.size() >= 5 && answer_.compare(answer_.size() - 5, 5, "0\r\n\r\n") == 0;
  }

  string answer_;
};

// ---- The run

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

/** Makes the server collect garbage, if it has a route for that. */
static void collect() {
  if (options.collectPath.empty()) return;
  const int fd = connectTo(options.port, true);
  const string body;
  const string text = request("POST", options.collectPath, {"Connection: close"}, &body);
  if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) die("sseload: send");
  char answer[4096];
  while (recv(fd, answer, sizeof answer, 0) > 0) continue;
  close(fd);
}

static void connectAll(vector<Subscriber>& subscribers) {
  const Nanoseconds end = now() + options.timeout * kSecond;
  int opened = 0;
  while (readyCount + deadCount < options.clients && now() < end) {
    while (opened < options.clients && opened - readyCount - deadCount < options.connecting) {
      subscribers[opened].open(opened);
      opened += 1;
    }
    pollOnce(50);
  }
}

/** Publishes the messages and waits until all clients have received them. Returns false on a timeout. */
static bool publishAll(vector<Publisher>& publishers, int messages) {
  deliveries.begin(messages, options.receivers > 0 ? options.receivers : readyCount);
  answerCount = 0;
  for (Publisher& publisher : publishers) publisher.isAnswered = publisher.isComplete = true;
  const Nanoseconds end = now() + options.timeout * kSecond;
  int sent = 0;
  Nanoseconds next = 0;
  while (deliveries.completeCount < messages) {
    if (now() > end || deadCount > options.clients / 2) return false;
    for (Publisher& publisher : publishers) {
      if (sent == messages || now() < next) break;
      if (!publisher.isAnswered || !publisher.isComplete) continue;
      publisher.publish(sent++);
      next = now() + options.every * kMillisecond;
    }
    pollOnce(1);
    for (const uint32_t message : deliveries.complete) {
      for (Publisher& publisher : publishers) {
        if (publisher.message == message) publisher.isComplete = true;
      }
    }
    deliveries.complete.clear();
  }
  const Nanoseconds answered = now() + 2 * kSecond;
  while (answerCount < sent && now() < answered) pollOnce(1);
  return true;
}

/** CPU seconds that sseload itself has used. */
static double own(const rusage& usage) {
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int count, char** words) {
  options = readOptions(count, words);
  signal(SIGPIPE, SIG_IGN);
  // The default timer slack of 50 µs would delay each wait, and so the measured latencies.
  prctl(PR_SET_TIMERSLACK, 1000);
  raiseFileLimit();
  poller = epoll_create1(0);

  collect();
  pollFor(200);
  const Usage empty = usageOf(options.pids);
  vector<Subscriber> subscribers(options.clients);
  connectAll(subscribers);
  const Usage connected = usageOf(options.pids);
  pollFor(options.settle);
  collect();
  pollFor(300);
  const Usage settled = usageOf(options.pids);
  if (readyCount < options.clients) {
    fprintf(stderr, "sseload: the server opened only %d of %d streams\n", readyCount, options.clients);
    return 1;
  }

  vector<Publisher> publishers(options.window);
  for (Publisher& publisher : publishers) publisher.open();
  if (options.warmup > 0) {
    publishAll(publishers, options.warmup);
    pollFor(100);
  }
  rusage ownBefore, ownAfter;
  getrusage(RUSAGE_SELF, &ownBefore);
  const Usage before = usageOf(options.pids);
  const Usage storeBefore = usageOf(options.storePids);
  const Nanoseconds began = now();
  const bool isDone = publishAll(publishers, options.messages);
  const double seconds = double(now() - began) / kSecond;
  const Usage after = usageOf(options.pids);
  const Usage storeAfter = usageOf(options.storePids);
  getrusage(RUSAGE_SELF, &ownAfter);

  const double delivered = std::max<uint64_t>(1, deliveries.count);
  printf(
      "{\"clients\":%d,\"messages\":%d,\"window\":%d,\"dead\":%d,\"refused\":%d,\"deliveries\":%llu,"
      "\"deliveries_per_s\":%.0f,\"cpu_us\":%.3f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"cpu_us_connect\":%.1f,"
      "\"bytes_per_client\":%.0f,\"load_cpu_us\":%.2f,\"store_cpu_us\":%.2f}\n",
      options.clients, options.messages, options.window, deadCount, refusedCount,
      static_cast<unsigned long long>(deliveries.count), deliveries.count / seconds,
      (after.cpuSeconds - before.cpuSeconds) * 1e6 / delivered, deliveries.percentile(0.5), deliveries.percentile(0.99),
      (connected.cpuSeconds - empty.cpuSeconds) * 1e6 / options.clients,
      double(settled.residentBytes - empty.residentBytes) / options.clients,
      (own(ownAfter) - own(ownBefore)) * 1e6 / delivered,
      (storeAfter.cpuSeconds - storeBefore.cpuSeconds) * 1e6 / options.messages);
  for (Subscriber& subscriber : subscribers) subscriber.close();
  return isDone ? 0 : 3;
}
