/* threads200: what C++ servers do to a malloc. In each round 200 threads live at once; they fill containers, hand
 * strings and buffers over to one another, and start short-lived threads that free what others made.
 *
 * Prints one number, which is the same on every correct malloc and in every round. With a second argument it writes
 * what the process occupies after each round to that file. Usage: threads200 ROUNDS [FILE] */
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr unsigned THREADS = 200, MESSAGES = 12, WORDS = 300, CHILDREN = 4;

struct alignas(64) Line { /* more aligned than operator new is by itself */
    std::uint64_t words[8];
};

using Message = std::unique_ptr<std::vector<std::string>>;

std::uint64_t mix(std::uint64_t sum, std::uint64_t value) {
    sum = (sum ^ value) * 0x9e3779b97f4a7c15U;
    return sum ^ sum >> 29;
}

std::uint64_t digest(std::uint64_t sum, const std::string &text) {
    for (char c : text) {
        sum = mix(sum, static_cast<unsigned char>(c));
    }
    return sum;
}

class Mailbox {
  public:
    void put(Message message) {
        {
            std::lock_guard<std::mutex> hold(lock);
            queue.push_back(std::move(message));
        }
        filled.notify_one();
    }
    Message take() {
        std::unique_lock<std::mutex> hold(lock);
        filled.wait(hold, [this] { return !queue.empty(); });
        Message message = std::move(queue.front());
        queue.pop_front();
        return message;
    }

  private:
    std::mutex lock;
    std::condition_variable filled;
    std::deque<Message> queue;
};

/* Nobody goes on before all are here: so all are alive at once. */
class Gate {
  public:
    void pass() {
        std::unique_lock<std::mutex> hold(lock);
        if (++here == THREADS) {
            open.notify_all();
        }
        open.wait(hold, [this] { return here == THREADS; });
    }

  private:
    std::mutex lock;
    std::condition_variable open;
    unsigned here = 0;
};

struct Round {
    Mailbox mailboxes[THREADS];
    Gate gate;
    std::vector<std::shared_ptr<std::string>> left = std::vector<std::shared_ptr<std::string>>(THREADS); /* to main */
    std::uint64_t sums[THREADS] = {};
};

std::string word(unsigned thread, unsigned index) {
    std::string text = std::to_string(thread * 7919U + index * 104729U);
    text.append(index * 31U % 700U, static_cast<char>('a' + (thread + index) % 26U));
    return text;
}

std::uint64_t containers(unsigned thread) {
    std::map<std::string, std::vector<unsigned>> sorted;
    std::unordered_map<std::string, std::list<std::string>> hashed;
    std::set<std::uint64_t> numbers;
    for (unsigned i = 0; i < WORDS; i++) {
        std::string text = word(thread, i);
        sorted[text.substr(0, 3)].push_back(i);
        hashed[text.substr(0, 2)].push_front(text);
        numbers.insert(mix(thread, i % 100));
        if (i % 3 == 0) {
            sorted.erase(sorted.begin());
        }
    }
    std::uint64_t sum = numbers.size();
    for (const auto &entry : sorted) {
        sum = std::accumulate(entry.second.begin(), entry.second.end(), digest(sum, entry.first), mix);
    }
    std::uint64_t unordered = 0; /* the order in a hash table is nobody's promise */
    for (const auto &entry : hashed) {
        for (const auto &text : entry.second) {
            unordered += digest(entry.second.size(), text);
        }
    }
    return mix(sum, unordered);
}

/* Buffers that grow by themselves into all sizes, aligned memory, an exception that carries a string. */
std::uint64_t buffers(unsigned thread) {
    std::vector<std::uint32_t> grows;
    for (unsigned i = 0; i < 3000U << thread % 8U; i++) {
        grows.push_back(i * thread);
    }
    std::vector<Line> lines(100 + thread);
    std::uint64_t sum = reinterpret_cast<std::uintptr_t>(lines.data()) % 64U;
    for (Line &line : lines) {
        line.words[thread % 8U] = thread;
        sum += line.words[7];
    }
    std::ostringstream stream;
    for (unsigned i = 0; i < 500; i++) {
        stream << i * thread << ' ';
    }
    try {
        throw std::runtime_error(stream.str());
    } catch (const std::exception &error) {
        sum = digest(sum, error.what());
    }
    return std::accumulate(grows.begin(), grows.end(), sum, mix);
}

/* Threads that live for one piece of work: what they are given they free, what they make somebody else frees. */
std::uint64_t children(unsigned thread) {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < CHILDREN; i++) {
        Message given = std::make_unique<std::vector<std::string>>(20, word(thread, i + 50));
        Message made;
        std::thread child([&made, &sum, given = std::move(given)]() mutable {
            made = std::make_unique<std::vector<std::string>>(given->rbegin(), given->rend());
            made->push_back(std::string(100000, 'x'));
            sum = digest(sum, given->front());
            given.reset();
        });
        child.join();
        sum = digest(sum, made->front());
    }
    return sum;
}

void work(Round &round, unsigned thread) {
    round.gate.pass();
    std::uint64_t sum = thread;
    for (unsigned i = 0; i < MESSAGES; i++) {
        Message message = std::make_unique<std::vector<std::string>>();
        for (unsigned j = 0; j < 10 + i; j++) {
            message->push_back(word(thread, i * 17 + j));
        }
        round.mailboxes[(thread + i * 7 + 1) % THREADS].put(std::move(message));
    }
    sum = mix(sum, containers(thread));
    sum = mix(sum, buffers(thread));
    sum = mix(sum, children(thread));
    std::uint64_t received = 0; /* they come in any order */
    for (unsigned i = 0; i < MESSAGES; i++) {
        Message message = round.mailboxes[thread].take();
        std::uint64_t one = 0;
        for (const std::string &text : *message) {
            one = digest(one, text);
        }
        received += one;
    }
    round.left[thread] = std::make_shared<std::string>(word(thread, 1) + "left behind");
    round.sums[thread] = mix(sum, received);
}

std::uint64_t run_round() {
    auto round = std::make_unique<Round>();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < THREADS; i++) {
        threads.emplace_back(work, std::ref(*round), i);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        sum = digest(mix(sum, round->sums[i]), *round->left[i]);
    }
    return sum;
}

/* One line a round: what /proc/self/status calls VmSize and VmRSS, in kB. */
void note_size(std::ofstream &file) {
    std::ifstream status("/proc/self/status");
    std::string line, size, resident;
    while (std::getline(status, line)) {
        std::istringstream words(line);
        std::string name, value;
        words >> name >> value;
        if (name == "VmSize:") {
            size = value;
        } else if (name == "VmRSS:") {
            resident = value;
        }
    }
    file << size << ' ' << resident << std::endl;
}

} // namespace

int main(int count, char **arguments) {
    unsigned rounds = count > 1 ? static_cast<unsigned>(std::strtoul(arguments[1], nullptr, 10)) : 1;
    std::ofstream sizes;
    if (count > 2) {
        sizes.open(arguments[2]);
    }
    std::uint64_t first = run_round();
    std::printf("%016llx\n", static_cast<unsigned long long>(first));
    for (unsigned i = 1; i <= rounds; i++) {
        if (count > 2) {
            note_size(sizes);
        }
        std::uint64_t sum = i < rounds ? run_round() : first;
        if (sum != first) {
            std::printf("round %u: %016llx\n", i + 1, static_cast<unsigned long long>(sum));
            return 1;
        }
    }
    return 0;
}
