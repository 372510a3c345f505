// Stamps in published messages, and the parsers that find them in received bytes.
#pragma once
#include <algorithm>

#include "common.h"

/** A stamp is "@@", then the number of the message in 8 hexadecimal digits, then the time of sending in 16. */
constexpr int kStampDigits = 24;

struct Stamp {
  uint32_t message = 0;
  Nanoseconds sentAt = 0;
};

inline int digitOf(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/** Finds stamps in a stream of bytes. A stamp may be split over several calls. */
class StampScanner {
 public:
  template <typename OnStamp>
  void scan(const char* at, const char* end, OnStamp onStamp) {
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
        const int count = std::min<long>(kStampDigits - digits_, end - at);
        memcpy(text_ + digits_, at, count);
        at += count;
        digits_ += count;
        if (digits_ < kStampDigits) return;
        signs_ = digits_ = 0;
        onStamp(parse());
      }
    }
  }

 private:
  Stamp parse() const {
    Stamp stamp;
    for (int i = 0; i < 8; i++) stamp.message = stamp.message << 4 | digitOf(text_[i]);
    for (int i = 8; i < kStampDigits; i++) stamp.sentAt = stamp.sentAt << 4 | digitOf(text_[i]);
    return stamp;
  }

  int signs_ = 0;
  int digits_ = 0;
  char text_[kStampDigits];
};

/** Decodes the chunked transfer coding (RFC 9112, section 7.1) and passes on the data of the chunks. */
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
          // A chunk of size zero ends the body.
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
