// SPDX-License-Identifier: MIT
#include <rill_io/single_writer_counter.hpp>

#include <test.hpp>

#include <cstdint>

TEST_CASE("single-writer counter: adds what fits into an instruction, and what does not") {
    rill::io::SingleWriterCounter counter;
    const std::uint64_t large = std::uint64_t{5} << 32U;
    counter.add(1);
    counter.add(0x8000'0000U); // would be negative as an instruction's own constant
    counter.add(large);
    CHECK(counter.load() == large + 0x8000'0001U);
    counter.reset();
    CHECK(counter.load() == 0);
}
