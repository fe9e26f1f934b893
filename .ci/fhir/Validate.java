import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.parser.DataFormatException;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Validates every .json file of a folder as FHIR R4 with HL7's validator, without a network.
 * Prints one line for each file and each issue: file, severity, message id, place, message.
 */
public final class Validate {
  public static void main(String[] arguments) throws Exception {
    FhirContext r4 = FhirContext.forR4();
    ValidationSupportChain support =
        new ValidationSupportChain(
            new DefaultProfileValidationSupport(r4),
            new CommonCodeSystemsTerminologyService(r4),
            new InMemoryTerminologyServerValidationSupport(r4));
    FhirInstanceValidator rules = new FhirInstanceValidator(support);
    rules.setAnyExtensionsAllowed(true);
    FhirValidator validator = r4.newValidator().registerValidatorModule(rules);
    try (Stream<Path> files = Files.list(Path.of(arguments[0]))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".json")).sorted().toList()) {
        show(file, "done", "", "", "");
        String text = Files.readString(file, StandardCharsets.UTF_8);
        ValidationResult result;
        try {
          result = validator.validateWithResult(text);
        } catch (DataFormatException broken) {
          show(file, "fatal", "not_json", "", "");
          continue;
        }
        for (SingleValidationMessage issue : result.getMessages()) {
          String severity = issue.getSeverity().getCode();
          show(file, severity, issue.getMessageId(), issue.getLocationString(), issue.getMessage());
        }
      }
    }
  }

  private static void show(Path file, String... columns) {
    StringBuilder line = new StringBuilder(file.getFileName().toString());
    for (String column : columns) {
      line.append('\t').append(String.valueOf(column).replaceAll("\\s+", " "));
    }
    System.out.println(line);
  }
}
