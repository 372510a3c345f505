// Marks in what is published, and finding them in what arrives.
#pragma once
#include <algorithm>

#include "common.h"

/** "@@", the message's number in 8 hexadecimal digits, and when it was sent in 16. */
constexpr int kMarkDigits = 24;

struct Mark {
  uint32_t message = 0;
  Nanoseconds sentAt = 0;
};

inline int digitOf(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/** Finds marks in bytes that come in pieces, which may end anywhere. */
class MarkScanner {
 public:
  template <typename OnMark>
  void scan(const char* at, const char* end, OnMark onMark) {
    while (at < end) {
      if (signs_ == 0) {
        at = static_cast<const char*>(memchr(at, '@', end - at));
        if (at == nullptr) return;
        at += 1;
        signs_ = 1;
      } else if (signs_ == 1) {
        signs_ = *at == '@' ? 2 : 0;
        at += 1;
      } else {
        const int count = std::min<long>(kMarkDigits - digits_, end - at);
        memcpy(text_ + digits_, at, count);
        at += count;
        digits_ += count;
        if (digits_ < kMarkDigits) return;
        signs_ = digits_ = 0;
        onMark(parse());
      }
    }
  }

 private:
  Mark parse() const {
    Mark mark;
    for (int i = 0; i < 8; i++) mark.message = mark.message << 4 | digitOf(text_[i]);
    for (int i = 8; i < kMarkDigits; i++) mark.sentAt = mark.sentAt << 4 | digitOf(text_[i]);
    return mark;
  }

  int signs_ = 0;
  int digits_ = 0;
  char text_[kMarkDigits];
};

/** RFC 9112, "Chunked Transfer Coding": hands on what is in the chunks. */
class ChunkDecoder {
 public:
  template <typename OnData>
  void decode(const char* at, const char* end, OnData onData) {
    while (at < end) {
      switch (state_) {
        case State::size:
          if (*at == '\n') state_ = State::data;
          else if (isxdigit(*at)) left_ = left_ << 4 | digitOf(*at);
          else if (*at == ';') state_ = State::extension;
          at += 1;
          break;
        case State::extension:
          if (*at == '\n') state_ = State::data;
          at += 1;
          break;
        case State::data: {
          // The last chunk is empty.
          if (left_ == 0) return;
          const uint64_t count = std::min<uint64_t>(left_, end - at);
          onData(at, at + count);
          at += count;
          left_ -= count;
          if (left_ == 0) state_ = State::end;
          break;
        }
        case State::end:
          if (*at == '\n') state_ = State::size;
          at += 1;
          break;
      }
    }
  }

 private:
  enum class State { size, extension, data, end };
  State state_ = State::size;
  uint64_t left_ = 0;
};
