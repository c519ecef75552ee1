// thread_local: C++ objects of a thread, which end after main has returned from it.
#include <hakmem.h>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

static std::map<int, std::string> before_main{{1, std::string(500, 'a')}};
static thread_local std::vector<std::unique_ptr<std::string>> mine;

static void work(int seed) {
    for (int i = 0; i < 200; i++) {
        mine.push_back(std::make_unique<std::string>(std::size_t(seed * i), 'x'));
    }
    CHECK(mine.back()->size() == std::size_t(seed) * 199);
}

int main() {
    CHECK(hak_malloc_usable_size(&before_main[1][0]) >= 500);
    std::vector<std::thread> threads;
    for (int i = 1; i <= 4; i++) {
        threads.emplace_back(work, i * 30);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    work(1);
    return checks_end("thread_local");
}
