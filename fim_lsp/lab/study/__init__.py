"""The architecture study: RNN, LSTM, encoder-decoder, GPT and BERT at equal size."""
