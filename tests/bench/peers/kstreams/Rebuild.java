import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/** Kafka Streams: groupByKey().aggregate() into its RocksDB store with its changelog. Argument: how many threads. */
public class Rebuild {
  static final int FETCH = 4 << 20;
  static final int AT_ONCE = 5_000;
  static final long CACHE = 256L << 20; // bytes; a quarter more events a second than with the 10 MiB it has by default
  static final ZoneOffset HERE = ZoneOffset.ofHours(7);
  static final ObjectMapper JSON = new ObjectMapper();

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static class Data {
    public String appointment;
  }

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static class Event {
    public String type, time;
    public Data data;
  }

  public static class Row {
    public String received, due, released, verdict;
    public int events;

    Row with(Event event) {
      events++;
      switch (event.type) {
        case "onedoor.ApplicationReceived.v1" -> {
          received = event.time;
          due = event.data.appointment;
        }
        case "onedoor.DossierReturned.v1" -> released = event.time;
        default -> {
          return this;
        }
      }
      if (due != null && released != null) {
        int days = day(released).compareTo(day(due));
        verdict = days < 0 ? "ahead" : days == 0 ? "on-time" : "overdue";
      }
      return this;
    }

    static LocalDate day(String instant) {
      return Instant.parse(instant).atOffset(HERE).toLocalDate();
    }
  }

  static <T> Serde<T> json(Class<T> type) {
    ObjectReader reader = JSON.readerFor(type);
    ObjectWriter writer = JSON.writerFor(type);
    return Serdes.serdeFrom(
        (topic, value) -> {
          try {
            return value == null ? null : writer.writeValueAsBytes(value);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        },
        (topic, bytes) -> {
          try {
            return bytes == null ? null : reader.readValue(bytes);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        });
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(System.getenv("PEERS_FOLDER"));
    List<String> topics = List.of(System.getenv("PEERS_TOPICS").split(","));
    long events = Long.parseLong(System.getenv("PEERS_EVENTS"));
    AtomicLong read = new AtomicLong(), began = new AtomicLong(), ended = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);

    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(topics, Consumed.with(Serdes.String(), json(Event.class)))
        .groupByKey()
        .aggregate(
            Row::new,
            (key, event, row) -> {
              began.compareAndSet(0, System.nanoTime());
              Row folded = row.with(event);
              if (read.incrementAndGet() == events) {
                ended.set(System.nanoTime());
                done.countDown();
              }
              return folded;
            },
            Materialized.<String, Row, KeyValueStore<Bytes, byte[]>>as("cases")
                .withKeySerde(Serdes.String())
                .withValueSerde(json(Row.class)));

    Properties settings = new Properties();
    settings.put("application.id", folder.getFileName().toString());
    settings.put("bootstrap.servers", System.getenv("PEERS_KAFKA"));
    settings.put("auto.offset.reset", "earliest");
    settings.put("num.stream.threads", arguments[0]);
    settings.put("state.dir", folder.resolve("state").toString());
    settings.put("statestore.cache.max.bytes", CACHE);
    settings.put("max.poll.records", AT_ONCE);
    settings.put("max.partition.fetch.bytes", FETCH);
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.start();
    done.await();
    Thread.sleep(50); // the row of the last event goes into the store right after its count; not measured

    var store = streams.store(StoreQueryParameters.fromNameAndType("cases", QueryableStoreTypes.<String, Row>keyValueStore()));
    try (var rows = store.all(); var file = new PrintWriter(Files.newBufferedWriter(folder.resolve("rows.tsv")))) {
      while (rows.hasNext()) {
        var one = rows.next();
        Row row = one.value;
        file.println(String.join("\t", one.key, said(row.received), said(row.due), said(row.released), said(row.verdict), "" + row.events));
      }
    }
    long closing = System.nanoTime();
    streams.close(); // what is in the cache is written, to the store and to the changelog
    double seconds = (ended.get() - began.get() + System.nanoTime() - closing) / 1e9;
    System.out.println("RESULT {\"seconds\": " + seconds + "}");
    System.exit(0);
  }

  static String said(String value) {
    return value == null ? "" : value;
  }
}
