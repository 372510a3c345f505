// The streams of sseload, and what arrives on them.
#pragma once
#include "loop.h"
#include "stamps.h"

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

  uint64_t expected() const { return uint64_t(ofMessage.size()) * clients; }

  double percentile(double part) {
    if (microseconds.empty()) return 0;
    const size_t index = std::min(microseconds.size() - 1, size_t(part * microseconds.size()));
    std::nth_element(microseconds.begin(), microseconds.begin() + index, microseconds.end());
    return microseconds[index];
  }
};

static Deliveries deliveries;
static int readyCount = 0;
static int deadCount = 0;
/** While true, `idleLines` counts the lines that arrive. */
static bool isCountingLines = false;
static uint64_t idleLines = 0;

/** Clients of one source address. Below the number of ports that an address has for outgoing connections. */
constexpr int kClientsOfAddress = 20'000;

/** The request that opens the stream of a client. */
static string streamRequest(int number) {
  vector<string> headers = options.streamHeaders;
  headers.push_back("Accept: text/event-stream");
  return request("GET", replaced(options.path, "%N", std::to_string(number % options.keys)), headers, nullptr);
}

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
    const char* const end = buffer + length;
    if (state_ == State::head) {
      at = readHead(buffer, length);
      if (at == nullptr) return;
    }
    if (isChunked_) decoder_.decode(at, end, [this](const char* from, const char* to) { read(from, to); });
    else read(at, end);
  }

  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }

 private:
  enum class State { connecting, head, id, body };

  void read(const char* from, const char* to) {
    if (state_ == State::id) return readId(from, to);
    if (isCountingLines) idleLines += std::count(from, to, '\n');
    scanner_.scan(from, to, [](const Stamp& stamp) { deliveries.add(stamp); });
  }

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
    const size_t before = text_.size();
    text_.append(bytes, length);
    const size_t end = text_.find("\r\n\r\n");
    if (end == string::npos) return nullptr;
    const string head = lowerCase(text_.substr(0, end));
    string().swap(text_);
    if (head.compare(0, 12, "http/1.1 200") != 0) {
      fail("refused a stream: " + statusLineOf(head));
      die();
      return nullptr;
    }
    isChunked_ = head.find("transfer-encoding: chunked") != string::npos;
    state_ = options.subscribePath.empty() ? State::body : State::id;
    if (state_ == State::body) readyCount += 1;
    return bytes + end + 4 - before;
  }

  /** Waits for the client id that the server announces, and subscribes with it. */
  void readId(const char* from, const char* to) {
    text_.append(from, to);
    const string mark = "\"clientId\":\"";
    const size_t start = text_.find(mark);
    const size_t end = start == string::npos ? start : text_.find('"', start + mark.size());
    if (end == string::npos) return;
    const string id = text_.substr(start + mark.size(), end - start - mark.size());
    string().swap(text_);
    state_ = State::body;
    postAndWait(options.subscribePath, {"Content-Type: application/json"}, replaced(options.subscribeBody, "%C", id));
    readyCount += 1;
  }

  void die() {
    close();
    deadCount += 1;
  }

  int number_ = 0;
  State state_ = State::connecting;
  bool isChunked_ = false;
  /** What has arrived of the head, or of the event with the client id. */
  string text_;
  ChunkDecoder decoder_;
  StampScanner scanner_;
};
