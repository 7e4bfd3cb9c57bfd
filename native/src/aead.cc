#include "aead.h"

#include <dlfcn.h>

#include <cstring>

#include "errors.h"

namespace omninode {
namespace {

// From OpenSSL's evp.h, stable since 1.1.
constexpr int kSetTag = 0x11;
constexpr int kGetTag = 0x10;

// Looked up by name: Node exports its OpenSSL to addons, and the addon must load where nothing does.
struct OpenSsl {
  void* (*context_new)() = nullptr;
  void (*context_free)(void*) = nullptr;
  const void* (*aes_256_gcm)() = nullptr;
  int (*init)(void*, const void*, void*, const uint8_t*, const uint8_t*, int) = nullptr;
  int (*update)(void*, uint8_t*, int*, const uint8_t*, int) = nullptr;
  int (*final)(void*, uint8_t*, int*) = nullptr;
  int (*ctrl)(void*, int, int, void*) = nullptr;
  bool complete = false;
};

template <class F>
bool find(void* library, const char* name, F& out) {
  out = reinterpret_cast<F>(dlsym(library, name));
  return out != nullptr;
}

OpenSsl from(void* library) {
  OpenSsl s;
  s.complete = find(library, "EVP_CIPHER_CTX_new", s.context_new) && find(library, "EVP_CIPHER_CTX_free", s.context_free) &&
               find(library, "EVP_aes_256_gcm", s.aes_256_gcm) && find(library, "EVP_CipherInit_ex", s.init) &&
               find(library, "EVP_CipherUpdate", s.update) && find(library, "EVP_CipherFinal_ex", s.final) && find(library, "EVP_CIPHER_CTX_ctrl", s.ctrl);
  return s;
}

OpenSsl look_up() {
  const OpenSsl own = from(RTLD_DEFAULT);
  if (own.complete) return own;
  for (const char* name : {"libcrypto.so.3", "libcrypto.3.dylib"}) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return from(library);
  }
  return own;
}

const OpenSsl& ssl() {
  static const OpenSsl found = look_up();
  return found;
}

}  // namespace

bool Aead::available() { return ssl().complete; }

Aead::Aead(const LaneKey& key, uint32_t direction) : context_(nullptr), key_(key), direction_(direction) {
  if (!available()) throw Failure(Code::no_lane, "OpenSSL was not found in this process");
  context_ = ssl().context_new();
  if (context_ == nullptr) throw Failure(Code::no_lane, "OpenSSL gave no cipher context");
}

Aead::~Aead() {
  ssl().context_free(context_);
  volatile uint8_t* wiped = key_.data();
  for (size_t i = 0; i < key_.size(); i++) wiped[i] = 0;
}

std::array<uint8_t, 12> Aead::next_nonce() {
  std::array<uint8_t, 12> nonce{};
  for (int i = 0; i < 4; i++) nonce[i] = static_cast<uint8_t>(direction_ >> (8 * i));
  for (int i = 0; i < 8; i++) nonce[4 + i] = static_cast<uint8_t>(counter_ >> (8 * i));
  counter_++;
  return nonce;
}

void Aead::seal(uint8_t* data, size_t length, const uint8_t* extra, size_t extra_length, uint8_t* tag) {
  const auto nonce = next_nonce();
  int n = 0;
  const bool done = ssl().init(context_, ssl().aes_256_gcm(), nullptr, key_.data(), nonce.data(), 1) == 1 &&
                    ssl().update(context_, nullptr, &n, extra, static_cast<int>(extra_length)) == 1 &&
                    ssl().update(context_, data, &n, data, static_cast<int>(length)) == 1 && ssl().final(context_, data + n, &n) == 1 &&
                    ssl().ctrl(context_, kGetTag, kTagBytes, tag) == 1;
  if (!done) throw Failure(Code::no_lane, "a record could not be sealed");
}

bool Aead::open(uint8_t* data, size_t length, const uint8_t* extra, size_t extra_length, const uint8_t* tag) {
  const auto nonce = next_nonce();
  int n = 0;
  uint8_t wanted[kTagBytes];
  std::memcpy(wanted, tag, kTagBytes);
  return ssl().init(context_, ssl().aes_256_gcm(), nullptr, key_.data(), nonce.data(), 0) == 1 &&
         ssl().update(context_, nullptr, &n, extra, static_cast<int>(extra_length)) == 1 &&
         ssl().update(context_, data, &n, data, static_cast<int>(length)) == 1 && ssl().ctrl(context_, kSetTag, kTagBytes, wanted) == 1 &&
         ssl().final(context_, data + n, &n) == 1;
}

}  // namespace omninode
