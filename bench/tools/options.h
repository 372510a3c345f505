// What the load is told on its command line.
#pragma once
#include <string>
#include <vector>

#include "common.h"

struct Options {
  int port = 0;
  /** GET it to listen, POST to it to publish. */
  std::string path = "/events";
  std::string publishPath = "/publish";
  std::vector<std::string> publishHeaders;
  /** Body of a publish: %D stands for the message. */
  std::string body = "%D";
  /** POST to it for a garbage collection, where there is such a thing. */
  std::string collectPath;
  /** The server's, whose use of the machine is measured. */
  std::vector<int> pids;
  int clients = 100;
  /** That many connect at a time. */
  int connecting = 128;
  int messages = 1000;
  /** Published before those that are measured. */
  int warmup = 0;
  /** Messages that are on their way at once: each waits for the one before to be answered and delivered to all. */
  int window = 1;
  /** Bytes of a message. */
  int size = 120;
  /** Milliseconds between the last connect and the look at the memory. */
  int settle = 500;
  /** Seconds that connecting may take, and publishing. */
  int timeout = 60;
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
    else if (name == "--publish-path") options.publishPath = value;
    else if (name == "--publish-header") options.publishHeaders.push_back(value);
    else if (name == "--body") options.body = value;
    else if (name == "--collect-path") options.collectPath = value;
    else if (name == "--pids") options.pids = numbersOf(value);
    else if (name == "--clients") options.clients = stoi(value);
    else if (name == "--connecting") options.connecting = stoi(value);
    else if (name == "--messages") options.messages = stoi(value);
    else if (name == "--warmup") options.warmup = stoi(value);
    else if (name == "--window") options.window = stoi(value);
    else if (name == "--size") options.size = stoi(value);
    else if (name == "--settle") options.settle = stoi(value);
    else if (name == "--timeout") options.timeout = stoi(value);
    else die("sseload: there is no option " + name);
  }
  if (count % 2 == 0) die("sseload: " + std::string(words[count - 1]) + " has no value");
  if (options.port == 0) die("sseload: --port is missing");
  if (options.publishHeaders.empty()) options.publishHeaders.push_back("Content-Type: application/json");
  return options;
}
