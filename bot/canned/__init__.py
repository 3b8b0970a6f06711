"""What the product does: who may send what into which conversation, once, on the record."""
