// SPDX-License-Identifier: MIT
#include <rill_io/gain.hpp>
#include <rill_io/kernel.hpp>

#include <test.hpp>

namespace io = rill::io;

TEST_CASE("gain: multiplies, floats and vectors of them alike") {
    io::Gain gain(0.25F);
    CHECK(gain.kernel()(8.0F) == 2.0F);
    CHECK(gain.set_parameter(io::Gain::gain, -2.0F));
    CHECK(gain.kernel()(8.0F) == -16.0F);
    const io::Lanes lanes = gain.kernel()(io::Lanes{} + 1.5F);
    for (std::size_t i = 0; i < io::num_lanes; ++i)
        CHECK(lanes[i] == -3.0F);
    CHECK_FALSE(gain.set_parameter(1, 1.0F));
    CHECK(gain.kernel()(1.0F) == -2.0F);
    CHECK(io::Gain().kernel()(7.0F) == 7.0F);
}
