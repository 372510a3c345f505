// Reads from /proc how much CPU time and memory a server and its child processes use.
#pragma once
#include <dirent.h>

#include <set>
#include <utility>
#include <vector>

#include "common.h"

struct Usage {
  /** CPU time of all threads, in user space and in the kernel. */
  double cpuSeconds = 0;
  long residentBytes = 0;
};

namespace proc {

/** Returns the numeric names in a folder of /proc, which are the ids of processes or threads. */
inline std::vector<int> numbersIn(const std::string& folder) {
  std::vector<int> numbers;
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory)) {
    if (const int number = atoi(entry->d_name); number > 0) numbers.push_back(number);
  }
  closedir(directory);
  return numbers;
}

inline std::string read(const std::string& path) {
  FILE* file = fopen(path.c_str(), "r");
  if (file == nullptr) return "";
  char text[2048];
  const size_t length = fread(text, 1, sizeof text, file);
  fclose(file);
  return std::string(text, length);
}

/** Returns a process's stat line without its first two fields. The second one, the name, may contain spaces and ")". */
inline std::string statOf(int pid) {
  const std::string line = read("/proc/" + std::to_string(pid) + "/stat");
  const size_t end = line.rfind(')');
  return end == std::string::npos ? "" : line.substr(end + 2);
}

inline std::set<int> withDescendants(const std::vector<int>& pids) {
  std::vector<std::pair<int, int>> parents;
  for (const int pid : numbersIn("/proc")) {
    int parent;
    if (sscanf(statOf(pid).c_str(), "%*c %d", &parent) == 1) parents.push_back({pid, parent});
  }
  std::set<int> tree(pids.begin(), pids.end());
  for (bool hasGrown = true; hasGrown;) {
    hasGrown = false;
    for (const auto& [pid, parent] : parents) {
      if (tree.count(parent) > 0 && tree.insert(pid).second) hasGrown = true;
    }
  }
  return tree;
}

}  // namespace proc

inline Usage usageOf(const std::vector<int>& pids) {
  Usage usage;
  for (const int pid : proc::withDescendants(pids)) {
    long pages;
    const char* residentPages =
        "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %ld";
    if (sscanf(proc::statOf(pid).c_str(), residentPages, &pages) == 1) {
      usage.residentBytes += pages * sysconf(_SC_PAGESIZE);
    }
    // schedstat counts nanoseconds. The times in stat count hundredths of a second, which is too coarse.
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
    for (const int task : proc::numbersIn(tasks)) {
      const std::string stat = proc::read(tasks + std::to_string(task) + "/schedstat");
      usage.cpuSeconds += strtoull(stat.c_str(), nullptr, 10) / 1e9;
    }
  }
  return usage;
}
