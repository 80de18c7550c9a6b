// SPDX-License-Identifier: MIT
#include <rill_io/stream.hpp>

#include <test.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace io = rill::io;

TEST_CASE("stream: the first reason to end counts, and rings") {
    io::Stream stream;
    CHECK_FALSE(stream.ended());
    CHECK_FALSE(stream.wakeup.wait(0));
    stream.lost(io::Errc::device_lost, "unplugged", 7);
    CHECK(stream.ended());
    CHECK(stream.wakeup.wait(0));
    stream.finished();
    stream.lost(io::Errc::server_lost, "later");
    CHECK(stream.end_reason().lost);
    CHECK(stream.end_reason().code == io::Errc::device_lost);
    CHECK(stream.end_reason().native_code == 7);
    CHECK(std::string(stream.end_reason().text) == "unplugged");
    CHECK_FALSE(stream.wakeup.wait(0));
}

TEST_CASE("stream: of many threads that end it exactly one is heard, whole") {
    static constexpr const char* texts[] = {"0", "1", "2", "3"};
    for (int round = 0; round < 200; ++round) {
        io::Stream stream;
        std::atomic<bool> go{false};
        std::vector<std::thread> threads;
        threads.reserve(4);
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&stream, &go, i] {
                while (!go)
                    std::this_thread::yield();
                stream.lost(io::Errc::backend_failure, texts[i], i);
            });
        go = true;
        while (!stream.ended())
            std::this_thread::yield();
        const io::Stream::End seen = stream.end_reason(); // while others still try
        for (std::thread& thread : threads)
            thread.join();
        REQUIRE(seen.text == texts[seen.native_code]);
        REQUIRE(stream.end_reason().text == seen.text);
    }
}

TEST_CASE("stream: news send the next cycle along the slow path, no news do not") {
    io::Stream stream;
    const auto is_fast = [&] {
        const bool fast = stream.gate.enter(64);
        if (!fast) {
            stream.gate.acknowledge_attention();
            stream.gate.arm(64);
        }
        stream.gate.leave();
        return fast;
    };
    stream.report_sample_rate(48'000);
    stream.gate.open();
    (void)is_fast();
    REQUIRE(is_fast());

    stream.report_sample_rate(48'000);
    stream.report_freewheeling(false);
    stream.report_latency(1, 2);
    CHECK(is_fast());
    stream.report_sample_rate(44'100);
    CHECK_FALSE(is_fast());
    CHECK(is_fast());
    stream.report_freewheeling(true);
    CHECK_FALSE(is_fast());
    CHECK(is_fast());
    stream.report_xrun(5);
    CHECK_FALSE(is_fast());
    CHECK(is_fast());
    stream.report_final_block();
    CHECK_FALSE(is_fast());
    CHECK(stream.take_final());
    CHECK_FALSE(stream.take_final());
    CHECK(stream.xruns() == 1);
    CHECK(stream.lost_frames() == 5);
}

TEST_CASE("stream: info is what was negotiated with what has changed since") {
    io::Stream stream;
    stream.negotiated.sample_rate = 48'000;
    stream.negotiated.input_channels = 3;
    stream.report_sample_rate(44'100);
    stream.report_latency(10, 20);
    stream.report_freewheeling(true);
    stream.quantum = 512;
    stream.block = 64;
    stream.adapter_latency = 63;
    const io::StreamInfo info = stream.info();
    CHECK(info.input_channels == 3);
    CHECK(info.sample_rate == 44'100);
    CHECK(info.capture_latency == 10);
    CHECK(info.playback_latency == 20);
    CHECK(info.freewheeling);
    CHECK(info.quantum == 512);
    CHECK(info.block == 64);
    CHECK(info.adapter_latency == 63);
}

TEST_CASE("stream: a natural end is forgotten at the next start, a loss only at the next open") {
    io::Stream stream;
    stream.report_xrun(3);
    stream.frames.add(9);
    stream.finished();
    CHECK_FALSE(stream.end_reason().lost);
    stream.reset_counters();
    CHECK_FALSE(stream.ended());
    CHECK(stream.xruns() == 0);
    CHECK(stream.lost_frames() == 0);
    CHECK(stream.frames.load() == 0);

    stream.lost(io::Errc::server_lost, "gone");
    stream.reset_counters();
    CHECK(stream.ended());
    stream.reset();
    CHECK_FALSE(stream.ended());
}

TEST_CASE("stream: the scheduling class is asked of the thread, and kept when it has gone") {
    io::Stream stream;
    CHECK(stream.info().scheduling == io::Scheduling::unknown);
    stream.update_scheduling(); // nobody to ask yet
    CHECK(stream.info().scheduling == io::Scheduling::unknown);
    std::thread([&] {
        stream.set_cycle_thread(io::current_thread_id());
        stream.update_scheduling();
    }).join();
    const auto scheduling = stream.info().scheduling;
    CHECK(scheduling != io::Scheduling::unknown);
    stream.set_cycle_thread(0);
    stream.update_scheduling();
    CHECK(stream.info().scheduling == scheduling);
    CHECK(std::string(io::to_string(scheduling)) != "unknown");
}
