// Writes the checkpoint of a network that takes milliseconds, for what the tests ask of the command and not of the network:
// made_network FILE
#include "fakes/tiny_resnet.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  stagemark::write_lightning_checkpoint(argv[1], stagemark::TinyResnet().tensors(), {});
}
