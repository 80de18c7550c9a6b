// SPDX-License-Identifier: MIT
#pragma once

// What reading and writing a sound file have in common.

#include <rill_io/error.hpp>

#include <sndfile.h>
#include <sys/stat.h>

#include <memory>
#include <string>

namespace rill::io::file {

struct CloseSoundFile {
    void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
using SoundFile = std::unique_ptr<SNDFILE, CloseSoundFile>;

/// The path as it fits into an error's text: its end, if it is long.
std::string shown(const std::string& path);

/// Opens the file itself, so that errors are errno's and children of the process do not inherit it. `flags`:
/// open(2). Does not wait for the other end of a pipe. Fills `status`.
Result<int> open_descriptor(const std::string& path, int flags, struct stat& status);

/// What to say if this errno means that no more can be written there; null if it does not. Static.
const char* no_room(int error_number) noexcept;

/// libsndfile's words for its last error, on this file or (null) on opening one, without its punctuation.
std::string sndfile_words(SNDFILE* file);

/// Static: the name of libsndfile's sample format.
const char* sample_format_name(int format) noexcept;

} // namespace rill::io::file
