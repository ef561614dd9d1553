"""The architecture study: five architectures of one size, for measuring what each part of a Transformer bought.

                 reads              writes                    positions
rnn, lstm        left to right      token by token            none, the state carries the order
encoder-decoder  both ways          token by token            sinusoids
small-gpt        left to right      token by token            learned
small-bert       both ways          whole canvases at once    learned, and segments

They share vocabulary, width of the embedding (which is the output matrix too), rows and training; what is left of a
common number of parameters goes into the layers. Pre-norm throughout, as in GPT-2, also where the original was not.
"""
