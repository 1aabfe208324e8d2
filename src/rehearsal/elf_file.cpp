#include "rehearsal/elf_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

// Source: System V ABI, chapters 4 and 5; its x86-64 supplement.
namespace unfrag::rehearsal {
namespace {

static_assert(std::endian::native == std::endian::little, "tables are taken from the file as they are");

constexpr const char* kAction = "the libraries of another installed PyTorch";

std::string reason() { return std::generic_category().message(errno); }

bool is_for_this_machine(const Elf64_Ehdr& header) {
  const bool is_elf = std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  const bool is_64_bit = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB;
  const bool is_loaded = header.e_type == ET_DYN || header.e_type == ET_EXEC;
  return is_elf && is_64_bit && is_loaded && header.e_machine == EM_X86_64;
}

}  // namespace

ElfFile::ElfFile(ElfFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      header_(other.header_),
      segments_(std::move(other.segments_)) {}

ElfFile::~ElfFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Error ElfFile::damage(std::string what) const { return {ErrorKind::kBadInput, path_, std::move(what), kAction}; }

Result<ElfFile> ElfFile::open(const std::string& path) {
  // Not blocking: what is no regular file, a pipe perhaps, is refused below rather than waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Error{ErrorKind::kBadInput, path, "cannot be opened: " + reason(), "another path"};
  ElfFile file(path, descriptor);
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return file.damage("is not a regular file");
  file.size_ = static_cast<uint64_t>(status.st_size);
  if (auto done = file.read_headers(); !done) return done.error();
  return file;
}

Result<bool> ElfFile::read_headers() {
  const auto header = read<Elf64_Ehdr>(0, 1, "the ELF header");
  if (!header) return header.error();
  header_ = header->front();
  if (!is_for_this_machine(header_)) return damage("is not a library or program for x86-64");
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) return damage("the table of segments has entries of unknown size");
  auto segments = read<Elf64_Phdr>(header_.e_phoff, header_.e_phnum, "the table of segments");
  if (!segments) return segments.error();
  segments_ = std::move(*segments);
  return true;
}

std::optional<uint64_t> ElfFile::offset_of(uint64_t address) const {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const uint64_t within = address - segment.p_vaddr;
    if (within >= segment.p_filesz || segment.p_offset > size_ || within > size_ - segment.p_offset) continue;
    return segment.p_offset + within;
  }
  return std::nullopt;
}

Result<bool> ElfFile::fill(uint64_t offset, void* into, size_t size, std::string_view what) const {
  char* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t n = pread(descriptor_, at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return damage(std::string(what) + " cannot be read: " + reason());
    if (n == 0) return damage(std::string(what) + " is cut off");  // The file became shorter meanwhile.
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

std::optional<std::string_view> name_at(std::span<const char> strings, uint64_t offset) {
  if (offset >= strings.size()) return std::nullopt;
  const char* const begin = strings.data() + offset;
  const void* const end = std::memchr(begin, '\0', strings.size() - static_cast<size_t>(offset));
  if (end == nullptr) return std::nullopt;
  return std::string_view(begin, static_cast<size_t>(static_cast<const char*>(end) - begin));
}

}  // namespace unfrag::rehearsal
