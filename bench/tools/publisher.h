// The connections of sseload that publish.
#pragma once
#include "loop.h"
#include "stamps.h"

static int answerCount = 0;

/** Returns a JSON message of `options.size` bytes that contains the stamp. */
static string messageOf(uint32_t number, Nanoseconds sentAt) {
  char stamp[kStampDigits + 3];
  snprintf(stamp, sizeof stamp, "@@%08x%016llx", number, static_cast<unsigned long long>(sentAt));
  string text = string("{\"m\":\"") + stamp + "\",\"user\":\"u42\",\"text\":\"";
  const int padding = options.size - static_cast<int>(text.size()) - 2;
  for (int i = 0; i < padding; i++) text += "abcdefghijklmnopqrstuvwxyz0123456789 -"[(i * 7 + number) % 38];
  return text + "\"}";
}

static string percentEncoded(const string& text) {
  string encoded;
  for (const unsigned char c : text) {
    char digits[4];
    snprintf(digits, sizeof digits, "%%%02X", c);
    if (isalnum(c)) encoded += c;
    else encoded += digits;
  }
  return encoded;
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
    const string data = messageOf(number, now());
    const string body = replaced(replaced(options.body, "%D", data), "%U", percentEncoded(data));
    const string text = request("POST", options.publishPath, options.publishHeaders, &body);
    const ssize_t length = text.size();
    if (send(fd, text.data(), length, MSG_NOSIGNAL) != length) fail("did not take a message");
  }

  void onEvents(uint32_t) override {
    const ssize_t length = recv(fd, buffer, sizeof buffer, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
      if (isAnswered) return open();
      epoll_ctl(poller, EPOLL_CTL_DEL, fd, nullptr);
      return fail("closed a connection before it answered a message");
    }
    answer_.append(buffer, length);
    if (isAnswered || !isWhole(answer_)) return;
    isAnswered = true;
    answerCount += 1;
    if (statusOf(answer_) / 100 != 2) fail("refused a message: " + statusLineOf(answer_));
    if (lowerCase(answer_).find("\r\nconnection: close") != string::npos) open();
  }

 private:
  string answer_;
};
