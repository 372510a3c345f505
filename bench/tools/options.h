// The command-line options of sseload.
#pragma once
#include <string>
#include <vector>

#include "common.h"

struct Options {
  int port = 0;
  /** Path of the stream. %N stands for the number of the client, from 0, modulo `keys`. */
  std::string path = "/events";
  int keys = 1;
  std::vector<std::string> streamHeaders;
  /**
   * Path to which a client POSTs its subscription after the stream has announced `"clientId":"…"`. Empty if the request of the
   * stream subscribes. %C in the body stands for that id.
   */
  std::string subscribePath;
  std::string subscribeBody;
  /** Clients that receive each message. 0: all clients. */
  int receivers = 0;
  /** Path to which messages are POSTed. */
  std::string publishPath = "/publish";
  std::vector<std::string> publishHeaders;
  /** Body of a POST. %D stands for the message, and %U for the message with percent-encoding. */
  std::string body = "%D";
  /** Path that collects garbage on POST. Empty if the server has none. */
  std::string collectPath;
  /** Processes of the server. Their CPU time and memory, and those of their child processes, are measured. */
  std::vector<int> pids;
  /** Processes of a store behind the server. Their CPU time is measured apart, for each message. */
  std::vector<int> storePids;
  /** Number of clients. With 0, messages are published to no client. */
  int clients = 100;
  /** Clients that connect at the same time. */
  int connecting = 128;
  /** 0 publishes nothing. */
  int messages = 1000;
  /** Messages that are published before the measurement. */
  int warmup = 0;
  /**
   * Messages in flight. Each of this many publishers sends its next message once the previous one has been answered and
   * delivered to all clients.
   */
  int window = 1;
  /** Least milliseconds from one message to the next. */
  int every = 0;
  /** Size of a message in bytes. */
  int size = 120;
  /** Milliseconds to wait between the last connect and the measurement of memory. */
  int settle = 500;
  /** Milliseconds to wait without publishing, to measure the lines that the server sends by itself, such as heartbeats. */
  int idle = 0;
  /** Maximum time in seconds for each of: connecting, the warm-up, and publishing. */
  int timeout = 60;
  /** Maximum time in seconds without a delivery. */
  int stall = 20;
};

inline std::vector<int> numbersOf(const std::string& text) {
  std::vector<int> numbers;
  for (size_t from = 0; from < text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    numbers.push_back(stoi(text.substr(from, comma - from)));
    from = comma + 1;
  }
  return numbers;
}

inline Options readOptions(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = words[i];
    const std::string value = words[i + 1];
    if (name == "--port") options.port = stoi(value);
    else if (name == "--path") options.path = value;
    else if (name == "--keys") options.keys = stoi(value);
    else if (name == "--stream-header") options.streamHeaders.push_back(value);
    else if (name == "--subscribe-path") options.subscribePath = value;
    else if (name == "--subscribe-body") options.subscribeBody = value;
    else if (name == "--receivers") options.receivers = stoi(value);
    else if (name == "--publish-path") options.publishPath = value;
    else if (name == "--publish-header") options.publishHeaders.push_back(value);
    else if (name == "--body") options.body = value;
    else if (name == "--collect-path") options.collectPath = value;
    else if (name == "--pids") options.pids = numbersOf(value);
    else if (name == "--store-pids") options.storePids = numbersOf(value);
    else if (name == "--every") options.every = stoi(value);
    else if (name == "--clients") options.clients = stoi(value);
    else if (name == "--connecting") options.connecting = stoi(value);
    else if (name == "--messages") options.messages = stoi(value);
    else if (name == "--warmup") options.warmup = stoi(value);
    else if (name == "--window") options.window = stoi(value);
    else if (name == "--size") options.size = stoi(value);
    else if (name == "--settle") options.settle = stoi(value);
    else if (name == "--idle") options.idle = stoi(value);
    else if (name == "--timeout") options.timeout = stoi(value);
    else if (name == "--stall") options.stall = stoi(value);
    else die("sseload: unknown option " + name);
  }
  if (count % 2 == 0) die("sseload: " + std::string(words[count - 1]) + " has no value");
  if (options.port == 0) die("sseload: --port is required");
  if (options.publishHeaders.empty()) options.publishHeaders.push_back("Content-Type: application/json");
  return options;
}
